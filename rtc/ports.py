"""What a call needs of others: a socket, leave to start, and a record."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from rtc.core.messages import Start
from rtc.handshake import Handshake
from rtc.particulars import Figures


class Socket(Protocol):
    """The frames of one WebSocket. Sending on a socket that is gone does nothing."""

    @property
    def handshake(self) -> Handshake | None: ...

    def send_text(self, text: str) -> Awaitable[None]:
        """To be awaited at once."""

    def send_bytes(self, payload: bytes) -> Awaitable[None]:
        """To be awaited at once."""

    async def close_socket(self, close_code: int) -> None: ...


class Record(Protocol):
    """What the call leaves behind: see `rtc.records.CallRecord`."""

    pk: int
    user: Any

    def started(self) -> None: ...

    async def output(
        self, args: tuple[Any, ...], stored: Callable[[int], None], *, payload: str | None = None
    ) -> None: ...

    async def flush(self) -> None: ...

    def input(self, values: list[Any], body: str = "") -> None: ...

    def entry(self, kind: str, text: str = "") -> None: ...

    def turn(self, figures: dict[str, Any]) -> None: ...

    def failed(self, error: Exception) -> None: ...

    def ended(self, reason: str, close_code: int | None, figures: Figures) -> None: ...


class Admission(Protocol):
    """Who decides whether a session may start: see `rtc.admission.Admission`."""

    async def admit(self, start: Start, wanted: Callable[[], bool]) -> Record:
        """Raises: Refused; also when `wanted`, called from any thread, says that the client has left meanwhile."""

    def abandon(self) -> None:
        """The session is over: who is still being asked whether it may start need not answer any more."""
