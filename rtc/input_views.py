"""`POST /input_hook`: late inputs for a live session."""

import gc
import json
from typing import Any, NoReturn

from django.forms import Form
from django.http import HttpRequest, JsonResponse

from rtc.answers import Refusal
from rtc.calls import Call
from rtc.conf import conf
from rtc.core.messages import SESSION_ID
from rtc.cors import cross_origin
from rtc.database import perform, perform_apart
from rtc.models import Session
from rtc.ownership import claim_of, session_for
from rtc.worker import local_worker

MAX_CONTAINERS = 200_000
"""How many arrays and objects a body may hold. Each costs the parser and the garbage collector time in which no audio
moves: of 2 MB that are nothing but `[]`, 0.3 s and more. Brackets in strings are counted too, which takes 1 ms; a text
has nowhere near as many."""
ID = "webrtc_id"
INPUTS = "inputs"


@cross_origin("POST")
async def input_hook(request: HttpRequest) -> JsonResponse:
    """Hand values to the handler of a live session; 200 says that it has them."""
    claim = await claim_of(request)
    message = _read(request)
    session = await session_for(claim, message[ID])
    if session is None:
        raise Refusal(404, "no_such_session", "There is no session of this id.")
    call = await _live_call(session)
    sent = arguments(message)
    values = sent
    if call.stream.input_form is not None:
        values = await perform_apart(cleaned, call.stream.input_form, message)
    if not call.take_input(values, sent):
        raise await _not_taking(session)
    return JsonResponse({"status": "ok"})


def arguments(message: dict[str, Any]) -> list[Any]:
    """A handler's extra arguments: `inputs`, or without it each further key, in the order sent."""
    if INPUTS not in message:
        return [value for key, value in message.items() if key != ID]
    inputs = message[INPUTS]
    return inputs if type(inputs) is list else [inputs]


def cleaned(form_class: type[Form], message: dict[str, Any]) -> list[Any]:
    """The form's `cleaned_data` in the order of its fields. Reads the database if a field does.

    Raises:
        Refusal: 400 with the form's errors.
    """
    form = form_class(_bound(form_class, message))
    if not form.is_valid():
        text = "The inputs do not satisfy the form."
        raise Refusal(400, "invalid_inputs", text, errors=form.errors.get_json_data())
    return [form.cleaned_data.get(name) for name in form.fields]


def _bound(form_class: type[Form], message: dict[str, Any]) -> dict[str, Any]:
    """The values by the names of the fields. An object in `inputs` names them; a list follows their order."""
    if INPUTS not in message:
        return {key: value for key, value in message.items() if key != ID}
    inputs = message[INPUTS]
    if type(inputs) is dict:
        return inputs
    values = arguments(message)
    names = list(form_class.base_fields)
    if len(values) > len(names):
        raise Refusal(400, "invalid_inputs", f"The form has {len(names)} fields.", errors={})
    return dict(zip(names, values, strict=False))


def _read(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refusal(415, "not_json", "The content type is not application/json.")
    limit = conf.RTC_MAX_INPUT_BYTES
    # Not `request.body`, which knows Django's own limit and not ours. The server has taken in all of it already.
    body = request.read(limit + 1)
    if len(body) > limit:
        raise Refusal(413, "too_big", f"The body is longer than {limit} bytes.")
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise Refusal(413, "too_big", f"The body holds more than {MAX_CONTAINERS} arrays and objects.")
    try:
        message = _parse(body.decode())
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad_json", "The body is not JSON.") from error
    if type(message) is not dict:
        raise Refusal(400, "bad_json", "The body is not an object.")
    session_id = message.get(ID)
    if type(session_id) is not str or not SESSION_ID.fullmatch(session_id):
        raise Refusal(400, "bad_session_id", f"{ID} is not 1 to 64 of A-Z a-z 0-9 _ . -")
    return message


def _parse(text: str) -> Any:
    """Raises: ValueError, RecursionError.

    On the event loop, since the parser lets no other thread run either. What takes most of its time is the garbage
    collector, which goes over the new objects again and again: 2 MB of chat take 35 ms with it and 3 ms without.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    finally:
        if collecting:
            gc.enable()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def _live_call(session: Session) -> Call:
    """The call of a session that takes input now, or soon. Raises: Refusal."""
    worker = local_worker()
    call = worker.calls.get(session.pk)
    if call is not None:
        return call
    if session.state != Session.State.ENDED and not worker.runs(session.worker_id):
        raise Refusal(503, "worker_unreachable", "The session runs on a worker that can't be reached from here.")
    raise await _not_taking(session)


async def _not_taking(session: Session) -> Refusal:
    # Its end may not be on record yet. What the thread that writes the record reads comes after that.
    if await perform(Session.objects.live().filter(pk=session.pk).exists):
        return Refusal(409, "not_taking_input", "The session takes no input now: it starts, or says its last words.")
    return Refusal(410, "session_over", "The session is over.")
