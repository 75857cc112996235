"""Audio that skips what a server has between its socket and its application.

It puts each message into a queue, and the application's task takes it out in a later pass of the event loop, behind all
else that is due. Here a frame of audio is taken in the callback that read it, and plain frames are read and written
without the server's WebSocket library, which is Python. Other messages go the usual way, and so do all of them on a
server that is not known.
"""

from collections.abc import Callable
from typing import Any, Protocol

from rtc import fast_daphne, fast_uvicorn
from rtc.inflow import Throttle
from rtc.plain_frames import Take, Unmask, take_frame
from rtc.transports import protocol_of


class Inlet:
    """Offers the frames of one socket where they are read, to what `open` is given.

    It is open while the application waits for the next message, and offers none that has another before it: so they
    keep their order.
    """

    def __init__(self) -> None:
        self._take: Take | None = None
        self._undo: Callable[[], None] | None = None

    def install(self, receive: Any, throttle: Throttle | None) -> None:
        """Once the socket has been accepted.

        Args:
            receive: what the application awaits for the next message. If it is not the server's own, then it is a
                middleware's, which wants to see them all.
            throttle: what reads the socket on Daphne.
        """
        owner = getattr(receive, "__self__", None)
        if fast_uvicorn.is_plain(owner):
            self._undo = fast_uvicorn.tap(owner, self.offer)
        elif throttle is not None and fast_daphne.is_plain(throttle.protocol, owner):
            self._undo = fast_daphne.tap(throttle, self.offer)

    def open(self, take: Take) -> None:
        """Offer frames to `take`, which says whether it took one."""
        self._take = take

    def shut(self) -> None:
        """Offer none."""
        self._take = None

    def close(self) -> None:
        """Leave the server as it was."""
        self._take = None
        if self._undo is not None:
            self._undo()

    def offer(self, data: bytes, begin: int, unmask: Unmask) -> int:
        """Where the frame ends that begins there, if it was taken; else 0."""
        return 0 if self._take is None else take_frame(data, begin, unmask, self._take)


class Outlet(Protocol):
    """Writes whole messages as the server's own `send` does, when that need not wait."""

    def write(self, first_byte: bytes, payload: bytes) -> bool:
        """Whether it was written; else `send` knows what to do.

        Args:
            first_byte: `TEXT` or `BINARY`.
        """
        ...


def outlet(send: Any, written: Callable[[], None]) -> Outlet | None:
    """For a socket that was accepted; None on a server that is not known, or when messages are compressed.

    Args:
        send: the server's own.
        written: called after each message, where Twisted has the socket.
    """
    owner: Any = getattr(send, "__self__", None)
    if fast_uvicorn.is_plain(owner):
        return fast_uvicorn.Outlet(owner)
    protocol = protocol_of(send)
    return fast_daphne.Outlet(protocol, written) if fast_daphne.is_open(protocol) else None
