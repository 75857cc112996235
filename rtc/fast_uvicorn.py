"""Plain frames past uvicorn's WebSocket library. It stops reading around each message, besides."""

import sys
from collections.abc import Callable
from typing import Any

from rtc.plain_frames import MEDIUM, Offer, is_plain_size, plain_frame

UVICORN = "uvicorn.protocols.websockets.websockets_sansio_impl"
"""The WebSocket implementation that uvicorn picks by itself when the library websockets is installed."""
USED_OF_UVICORN = ("config", "queue", "conn", "transport", "writable", "disconnected")
USED_OF_WEBSOCKETS = ("receive_data", "reader", "parser", "current_size", "state", "extensions")
"""Not all of them are there in all releases."""


def is_plain(owner: Any) -> bool:
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


def tap(protocol: Any, offer: Offer) -> Callable[[], None]:
    """Offer the frames that it reads, before its library sees them; gives what ends that."""
    from websockets.frames import apply_mask

    connection, queue = protocol.conn, protocol.queue
    open_state, receive_data = connection.state, connection.receive_data
    between_frames = _is_between_frames(connection)

    def receive(data: bytes) -> None:
        nonlocal between_frames
        begin = 0
        while between_frames and queue.empty() and connection.state is open_state:
            end = offer(data, begin, apply_mask)
            if not end:
                break
            if end == len(data):
                return
            begin = end
        receive_data(data[begin:] if begin else data)
        between_frames = _is_between_frames(connection)

    connection.receive_data = receive
    return lambda: delattr(connection, "receive_data")


def _is_between_frames(connection: Any) -> bool:
    """Whether the next byte that comes is the first of a message."""
    if connection.current_size is not None:
        return False
    innermost = connection.parser
    while (deeper := innermost.gi_yieldfrom) is not None:
        innermost = deeper
    return bool(innermost.gi_code is type(connection.reader).at_eof.__code__)


class Outlet:
    """Of uvicorn's end of an open WebSocket on which nothing is compressed."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._connection = protocol.conn
        self._open = protocol.conn.state
        self._is_writable = protocol.writable.is_set
        self._write = protocol.transport.write

    def write(self, first_byte: bytes, payload: bytes) -> bool:
        """Whether it was written: see `rtc.fast_path.Outlet`."""
        if (
            not is_plain_size(len(payload))
            or self._connection.state is not self._open
            or self._protocol.disconnected
            or not self._is_writable()
        ):
            return False
        self._write(plain_frame(first_byte, payload))
        return True
