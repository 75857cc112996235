"""Audio that skips what uvicorn has between its socket and its application.

It stops reading, puts each message into a queue, and the application's task takes it out in a later pass of the event
loop, behind all else that is due. Here a frame of audio is taken in the callback that read it, and plain frames are
read and written without uvicorn's WebSocket library, which is Python. Other messages go the usual way, and so do all of
them on other servers. On Daphne the queue is what shares the loop out among clients: without it, honest ones lost audio
beside hostile ones when the machine was busy.
"""

import sys
from collections.abc import Callable
from typing import Any

UVICORN = "uvicorn.protocols.websockets.websockets_sansio_impl"
"""The WebSocket implementation that uvicorn picks by itself when the library websockets is installed."""
USED_OF_UVICORN = ("config", "queue", "conn", "transport", "writable", "disconnected")
USED_OF_WEBSOCKETS = ("receive_data", "reader", "parser", "current_size", "state", "extensions")
"""Not all of them are there in all releases."""

Take = Callable[[str | bytes], bool]

TEXT, BINARY = b"\x81", b"\x82"
"""First byte of a message in one frame (RFC 6455, section 5.2)."""
SHORT, MEDIUM = 125, 0xFFFF
"""Up to which payload, in bytes, a frame's length has 7 bits, and 16 more."""
MASKED = b"\x81\xfe", b"\x82\xfe"
"""How such a frame of a client begins that has a length of 16 bits, text and binary."""
LENGTH, MASK, PAYLOAD = 2, 4, 8
"""Where the parts of that frame begin."""


class Inlet:
    """Offers the frames of one socket where they are read, to what `open` is given.

    It is open while the application waits for the next message, and offers none that has another before it: so they
    keep their order.
    """

    def __init__(self) -> None:
        self._take: Take | None = None
        self._undo: Callable[[], None] | None = None

    def install(self, receive: Any) -> None:
        """Once the socket has been accepted.

        Args:
            receive: what the application awaits for the next message. If it is not the server's own, then it is a
                middleware's, which wants to see them all.
        """
        owner = getattr(receive, "__self__", None)
        if _is_plain_uvicorn(owner):
            self._undo = self._install(owner)

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

    def _install(self, protocol: Any) -> Callable[[], None]:
        from websockets.frames import apply_mask

        connection, queue = protocol.conn, protocol.queue
        open_state, receive_data = connection.state, connection.receive_data
        between_frames = _is_between_frames(connection)

        def offer(data: bytes) -> None:
            nonlocal between_frames
            begin = 0
            while between_frames and (take := self._take) is not None and queue.empty():
                end = _end_of_frame(data, begin)
                if not end or connection.state is not open_state:
                    break
                payload = apply_mask(data[begin + PAYLOAD : end], data[begin + MASK : begin + PAYLOAD])
                # In audio that is text there is nothing to be replaced.
                if not take(payload.decode(errors="replace") if data[begin] == TEXT[0] else payload):
                    break
                if end == len(data):
                    return
                begin = end
            receive_data(data[begin:] if begin else data)
            between_frames = _is_between_frames(connection)

        connection.receive_data = offer
        return lambda: delattr(connection, "receive_data")


def _end_of_frame(data: bytes, begin: int) -> int:
    """Where the frame that begins there ends, if it is all there and a whole message of a length of 16 bits; else 0."""
    if not data.startswith(MASKED, begin):
        return 0
    end = begin + PAYLOAD + int.from_bytes(data[begin + LENGTH : begin + MASK])
    return end if end <= len(data) else 0


def _is_between_frames(connection: Any) -> bool:
    """Whether the next byte that comes is the first of a message."""
    if connection.current_size is not None:
        return False
    innermost = connection.parser
    while (deeper := innermost.gi_yieldfrom) is not None:
        innermost = deeper
    return bool(innermost.gi_code is type(connection.reader).at_eof.__code__)


class Outlet:
    """Writes whole messages on uvicorn, as its own `send` does, when that need not wait.

    Args:
        protocol: uvicorn's, with an open WebSocket on which nothing is compressed.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._connection = protocol.conn
        self._open = protocol.conn.state
        self._is_writable = protocol.writable.is_set
        self._write = protocol.transport.write

    def write(self, first_byte: bytes, payload: bytes) -> bool:
        """Whether it was written; else `send` knows what to do.

        Args:
            first_byte: `TEXT` or `BINARY`.
        """
        size = len(payload)
        if (
            not SHORT < size <= MEDIUM
            or self._connection.state is not self._open
            or self._protocol.disconnected
            or not self._is_writable()
        ):
            return False
        self._write(b"%b\x7e%b%b" % (first_byte, size.to_bytes(2), payload))
        return True


def outlet(send: Any) -> Outlet | None:
    """For a socket that was accepted on uvicorn; None on another server, or when messages are compressed.

    Args:
        send: the server's own.
    """
    owner: Any = getattr(send, "__self__", None)
    return Outlet(owner) if _is_plain_uvicorn(owner) else None


def _is_plain_uvicorn(owner: Any) -> bool:
    """Whether that is uvicorn's end of an open WebSocket, with nothing compressed, as far as it is known here."""
    module = sys.modules.get(UVICORN)
    return (
        module is not None
        and isinstance(owner, module.WebSocketsSansIOProtocol)
        and all(hasattr(owner, name) for name in USED_OF_UVICORN)
        and all(hasattr(owner.conn, name) for name in USED_OF_WEBSOCKETS)
        and owner.conn.state.name == "OPEN"
        and not owner.conn.extensions
        and (owner.config.ws_max_size is None or owner.config.ws_max_size > MEDIUM)
    )
