"""What a session wants done: the shell carries these out, in order."""

from dataclasses import dataclass

from rtc.core.messages import ServerMessage, Start


@dataclass(frozen=True, slots=True)
class Reply:
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Admit:
    """Look up limits and permission; answer with `Admitted` or `NotAdmitted`."""

    start: Start


@dataclass(frozen=True, slots=True)
class Run:
    """Start the handler."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Audio for the handler, in the client's format."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Marked:
    """The client has played or dropped all audio before this mark."""

    name: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Drop what is queued, and tell the handler that the client wants to hear no more of it."""


@dataclass(frozen=True, slots=True)
class PlayOut:
    """Take no more from the handler; answer with `PlayedOut` when all that is queued has been played."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the session and close the socket; `close_code` is None when the socket is gone already."""

    reason: str
    close_code: int | None


Effect = Reply | Admit | Run | Deliver | Marked | Interrupt | PlayOut | Close
Effects = tuple[Effect, ...]
