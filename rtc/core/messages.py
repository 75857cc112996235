"""The wire: one frozen dataclass a message, `parse()` for what clients send, `serialize()` for both sides.

Nothing that comes off a socket reaches a session but as one of these or as a `ProtocolError`.
Field names and shapes are those of FastRTC's WebSocket protocol; what is ours beyond it, an old client ignores.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pybase64 import b64decode, b64encode_as_string

from rtc.core.exceptions import ProtocolError
from rtc.core.formats import MediaFormat

MAX_AUDIO_BYTES = 64 * 1024
MAX_PARAMS_BYTES = 4 * 1024
MAX_MARK_NAME = 128
TOO_BIG = 4413

_MEDIA_HEAD = '{"event":"media","media":{"payload":"'
_MEDIA_TAIL = '"}}'
_PAYLOAD = slice(len(_MEDIA_HEAD), -len(_MEDIA_TAIL))
SESSION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`params` is the client's own JSON object, at most `MAX_PARAMS_BYTES` long; the handler reads it. On the wire its
    `ticket` is in there too.
    """

    session_id: str
    media_format: MediaFormat | None = None
    params: dict[str, Any] = field(default_factory=dict)
    ticket: str = field(default="", repr=False)

    def to_wire(self) -> dict[str, Any]:
        wire: dict[str, Any] = {"event": "start", "websocket_id": self.session_id}
        if self.media_format is not None:
            wire["media_format"] = self.media_format.to_wire()
        if self.params:
            wire["params"] = self.params
        if self.ticket:
            wire["params"] = {**self.params, "ticket": self.ticket}
        return wire


@dataclass(frozen=True, slots=True)
class Media:
    """Audio in the format agreed, one channel; goes both ways."""

    payload: bytes

    def to_wire(self) -> dict[str, Any]:
        return {"event": "media", "media": {"payload": b64encode_as_string(self.payload)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """From the server: a place in the audio. Back from the client: all before it was played or dropped."""

    name: str

    def to_wire(self) -> dict[str, Any]:
        return {"event": "mark", "mark": {"name": self.name}}


@dataclass(frozen=True, slots=True)
class Stop:
    def to_wire(self) -> dict[str, Any]:
        return {"event": "stop"}


@dataclass(frozen=True, slots=True)
class Ping:
    def to_wire(self) -> dict[str, Any]:
        return {"event": "ping"}


@dataclass(frozen=True, slots=True)
class Pong:
    def to_wire(self) -> dict[str, Any]:
        return {"event": "pong"}


@dataclass(frozen=True, slots=True)
class Clear:
    """Drop all audio not yet played. From the client: it wants to hear no more of what the handler is saying."""

    def to_wire(self) -> dict[str, Any]:
        return {"event": "clear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    session_id: str
    media_format: MediaFormat
    output: MediaFormat

    def to_wire(self) -> dict[str, Any]:
        return {
            "event": "started",
            "session_id": self.session_id,
            "media_format": self.media_format.to_wire(),
            "output": self.output.to_wire(),
        }


@dataclass(frozen=True, slots=True)
class SendInput:
    def to_wire(self) -> dict[str, Any]:
        return {"type": "send_input", "data": []}


@dataclass(frozen=True, slots=True)
class FetchOutput:
    def to_wire(self) -> dict[str, Any]:
        return {"type": "fetch_output", "data": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    text: str

    def to_wire(self) -> dict[str, Any]:
        return {"type": "log", "data": self.text}


@dataclass(frozen=True, slots=True)
class StopWord:
    def to_wire(self) -> dict[str, Any]:
        return {"type": "stopword", "data": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    text: str

    def to_wire(self) -> dict[str, Any]:
        return {"type": "warning", "data": self.text, "message": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Both `data` and `message` carry the text: clients read one or the other."""

    code: str
    text: str

    def to_wire(self) -> dict[str, Any]:
        return {"type": "error", "code": self.code, "data": self.text, "message": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A refusal, in the shape that published clients show."""

    reason: str
    limit: int | None = None

    def to_wire(self) -> dict[str, Any]:
        meta: dict[str, Any] = {"error": self.reason}
        if self.limit is not None:
            meta["limit"] = self.limit
        return {"status": "failed", "meta": meta}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last message before the server closes."""

    reason: str
    text: str = ""

    def to_wire(self) -> dict[str, Any]:
        data = {"reason": self.reason, "message": self.text} if self.text else {"reason": self.reason}
        return {"type": "end", "data": data}


ClientMessage = Start | Media | Mark | Clear | Stop | Ping
ServerMessage = (
    Media | Mark | Pong | Clear | Started | SendInput | FetchOutput | Log | StopWord | Warn | Error | Failed | End
)


def serialize(message: ClientMessage | ServerMessage) -> str:
    """One message as the text of one frame."""
    return serialize_media(message.payload) if type(message) is Media else json.dumps(message.to_wire())


def serialize_media(payload: bytes) -> str:
    """The same for `Media(payload)`, 50 times a second and session: no character of base64 needs escaping."""
    return f"{_MEDIA_HEAD}{b64encode_as_string(payload)}{_MEDIA_TAIL}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode_json = json.JSONDecoder(parse_constant=_refuse_constant).decode


def parse_audio(text: str, max_audio_bytes: int = MAX_AUDIO_BYTES) -> bytes | None:
    """The audio of a `media` message written as browsers write it; None for anything else, which `parse` is for.

    Nearly every frame of a session is one of these, and what is base64 to the last character needs no JSON parser.
    """
    if not (text.startswith(_MEDIA_HEAD) and text.endswith(_MEDIA_TAIL)):
        return None
    try:
        audio = b64decode(text[_PAYLOAD], validate=True)
    except ValueError:
        return None
    return audio if 0 < len(audio) <= max_audio_bytes else None


def parse(
    text: str, *, max_audio_bytes: int = MAX_AUDIO_BYTES, max_params_bytes: int = MAX_PARAMS_BYTES
) -> ClientMessage:
    """Read one text frame of a client.

    Raises:
        ProtocolError: whatever is wrong with it; `close_code` is 4413 for a frame that is too big, else None.
    """
    if len(text) > max_audio_bytes * 2 + max_params_bytes:
        raise ProtocolError("too_big", f"a frame holds at most {max_audio_bytes} bytes of audio", TOO_BIG)
    try:
        value = _decode_json(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("bad_json", "the frame is not JSON") from error
    event = value.get("event") if type(value) is dict else None
    if event == "media":
        return _parse_media(value, max_audio_bytes)
    if event == "start":
        return _parse_start(value, max_params_bytes)
    reader = _READERS.get(event) if type(event) is str else None
    if reader is None:
        raise ProtocolError("unknown_event", "the frame is no object with a known event")
    return reader(value)


def _parse_media(value: dict[str, Any], max_audio_bytes: int) -> Media:
    media = value.get("media")
    payload = media.get("payload") if type(media) is dict else None
    if type(payload) is not str:
        raise ProtocolError("bad_media", "media.payload is not a string")
    try:
        audio = b64decode(payload, validate=True)
    except ValueError as error:
        raise ProtocolError("bad_base64", "media.payload is not base64") from error
    if len(audio) > max_audio_bytes:
        raise ProtocolError("too_big", f"a frame holds at most {max_audio_bytes} bytes of audio", TOO_BIG)
    return Media(audio)


def _parse_start(value: dict[str, Any], max_params_bytes: int) -> Start:
    session_id = value.get("websocket_id")
    if type(session_id) is not str or not SESSION_ID.fullmatch(session_id):
        raise ProtocolError("bad_session_id", "websocket_id is not 1 to 64 of A-Z a-z 0-9 _ . -")
    declared = value.get("media_format")
    params = value.get("params", {})
    if type(params) is not dict:
        raise ProtocolError("bad_params", "params is not an object")
    if params and _json_length(params) > max_params_bytes:
        raise ProtocolError("params_too_big", f"params holds at most {max_params_bytes} bytes of JSON")
    ticket = params.pop("ticket", "")
    if type(ticket) is not str:
        raise ProtocolError("bad_ticket", "params.ticket is not a string")
    return Start(
        session_id=session_id,
        media_format=None if declared is None else MediaFormat.from_wire(declared),
        params=params,
        ticket=ticket,
    )


def _json_length(params: dict[str, Any]) -> int:
    try:  # in UTF-8; JSON may hold half a surrogate pair, which that proper does not have
        return len(json.dumps(params, ensure_ascii=False).encode(errors="surrogatepass"))
    except RecursionError as error:
        raise ProtocolError("bad_params", "params is nested too deeply") from error


def _parse_mark(value: dict[str, Any]) -> Mark:
    mark = value.get("mark")
    name = mark.get("name") if type(mark) is dict else None
    if type(name) is not str or not 1 <= len(name) <= MAX_MARK_NAME:
        raise ProtocolError("bad_mark", f"mark.name is not a string of 1 to {MAX_MARK_NAME} characters")
    return Mark(name=name)


_READERS: dict[str, Callable[[dict[str, Any]], ClientMessage]] = {
    "mark": _parse_mark,
    "clear": lambda value: Clear(),
    "stop": lambda value: Stop(),
    "ping": lambda value: Ping(),
}
