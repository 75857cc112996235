"""What a session is told, beside what its client sends: by the socket, and by our own side of it."""

from dataclasses import dataclass

from rtc.core.exceptions import ProtocolError, Refused
from rtc.core.messages import Clear, Mark, Media, Ping, Start, Stop


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary frame came."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Junk:
    """A frame came that is no message."""

    error: ProtocolError


@dataclass(frozen=True, slots=True)
class Admitted:
    """The session may run."""


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    refusal: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Play out what is queued, then close with 1000: the handler closed the stream, or the time limit was reached."""

    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlayedOut:
    """All queued audio has been played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The handler failed; `text` is fit for the client to see."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """End at once, with a close code: idle, no `start`, hung up, …"""

    reason: str
    close_code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The socket is gone; there is nobody left to tell."""


Event = (
    Start
    | Media
    | Mark
    | Clear
    | Stop
    | Ping
    | Binary
    | Junk
    | Admitted
    | NotAdmitted
    | Finish
    | PlayedOut
    | Broken
    | Expire
    | Disconnected
)
