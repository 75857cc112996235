"""`/input_hook` and `/outputs` from outside. All of it blocks: call it in a thread."""

import http.client
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

READ_TIMEOUT_S = 30.0
"""The server sends something every 15 s."""
RECONNECTS = 5


class PageRefused(Exception):
    """The server said no, and why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One Server-Sent Event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    type: str
    data: str
    id: str


def post_input(url: str, session_id: str, inputs: Any) -> None:
    """Raises: PageRefused, OSError."""
    body = json.dumps({"webrtc_id": session_id, "inputs": inputs}).encode()
    with _open(Request(url, body, {"Content-Type": "application/json"})):
        pass


def read_outputs(url: str, take: Callable[[Any], None]) -> None:
    """Give `take` each output until the session is over, over as many connections as it takes.

    Raises:
        PageRefused, OSError.
    """
    last_id = ""
    for _ in range(1 + RECONNECTS):
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        with _open(Request(url, headers=headers)) as response:
            if response.status == http.HTTPStatus.NO_CONTENT:
                return
            for event in parse_events(response):
                last_id = event.id
                if event.type == "end":
                    return
                if event.type == "output":
                    take(json.loads(event.data))


def parse_events(lines: Iterable[bytes]) -> Iterator[Event]:
    fields: dict[str, list[str]] = {}
    last_id = ""
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        last_id = fields.get("id", [last_id])[-1]
        if "data" in fields:
            yield Event(fields.get("event", ["message"])[-1], "\n".join(fields["data"]), last_id)
        fields = {}


class _NoRedirects(HTTPRedirectHandler):
    """A page that asks people to log in is no answer, and what was posted does not get there."""

    def redirect_request(self, *args: Any) -> None:
        return None


_opener = build_opener(_NoRedirects)


def _open(request: Request) -> Any:
    try:
        return _opener.open(request, timeout=READ_TIMEOUT_S)
    except HTTPError as error:
        with error:
            place = error.headers.get("Location")
            reason = f"it is moved to {place}" if place else _reason(error.read())
            raise PageRefused(f"{error.code}: {reason}") from None


def _reason(body: bytes) -> str:
    try:
        answer = json.loads(body)
        text = str(answer["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
    return " ".join([text, *_of_fields(answer.get("errors"))])


def _of_fields(errors: Any) -> Iterator[str]:
    """What a form said of each field."""
    for name, found in errors.items() if isinstance(errors, dict) else ():
        for error in found if isinstance(found, list) else ():
            if isinstance(error, dict):
                yield f"{name}: {error.get('message')}"
