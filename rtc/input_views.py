"""`POST /input_hook`: late inputs for a live session."""

import time
from typing import Any

from django.http import HttpRequest, JsonResponse

from rtc.answers import Refusal
from rtc.conf import conf
from rtc.core.messages import SESSION_ID
from rtc.cors import cross_origin
from rtc.inputs import ID, parse
from rtc.mailbox import give_input
from rtc.ownership import claim_of, session_for
from rtc.tally import tally

MAX_CONTAINERS = 120_000
"""How many arrays and objects a body may hold. Each costs the parser time in which no audio moves."""
MAX_SEPARATORS = 120_000
"""How many commas and colons: numbers and keys cost the parser as much, 25 ms for so many of `1e-9`. Whole
chats have less: 10,000 messages with four keys each, 80,000."""


@cross_origin("POST")
async def input_hook(request: HttpRequest) -> JsonResponse:
    """Hand values to the handler of a live session; 200 says that it has them."""
    began_s = time.monotonic()
    claim = await claim_of(request)
    text, message = _read(request)
    session = await session_for(claim, message[ID])
    if session is None:
        raise Refusal(404, "no_such_session", "There is no session of this id.")
    await give_input(session, message, text)
    tally.hook.add(time.monotonic() - began_s)
    return JsonResponse({"status": "ok"})


def _read(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """The body as it came and what it says. Raises: Refusal."""
    if request.content_type != "application/json":
        raise Refusal(415, "not_json", "The content type is not application/json.")
    limit = conf.RTC_MAX_INPUT_BYTES
    # Not `request.body`, which knows Django's own limit and not ours. The server has taken in all of it already.
    body = request.read(limit + 1)
    if len(body) > limit:
        raise Refusal(413, "too_big", f"The body is longer than {limit} bytes.")
    if _holds_too_much(body):
        raise Refusal(413, "too_big", f"The body holds more than {MAX_SEPARATORS} values.")
    try:
        text = body.decode()
        message = parse(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad_json", "The body is not JSON.") from error
    if type(message) is not dict:
        raise Refusal(400, "bad_json", "The body is not an object.")
    session_id = message.get(ID)
    if type(session_id) is not str or not SESSION_ID.fullmatch(session_id):
        raise Refusal(400, "bad_session_id", f"{ID} is not 1 to 64 of A-Z a-z 0-9 _ . -")
    return text, message


def _holds_too_much(body: bytes) -> bool:
    """Whether it would take too long to parse. What stands in strings counts only if that alone is not too much: for
    most bodies that is all that is asked, and takes 1 ms for each MB.
    """
    if _exceeds(body):
        bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
        # Between two strings there is a separator, and cutting more of them out would take long.
        return bare.count(b'"') > 2 * MAX_SEPARATORS + 2 or _exceeds(b"".join(bare.split(b'"')[::2]))
    return False


def _exceeds(json: bytes) -> bool:
    containers = json.count(b"[") + json.count(b"{")
    return containers > MAX_CONTAINERS or json.count(b",") + json.count(b":") > MAX_SEPARATORS
