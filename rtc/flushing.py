"""Frames that leave when they are sent, on Daphne, whose transport (Twisted's) leaves them to the next pass of the
event loop, behind all else that is due then.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from rtc.transports import beneath_tls, protocol_of, unsent_bytes


def flusher(send: Callable[..., Any]) -> Callable[[], int] | None:
    """Writes what has been sent on that socket, as far as it can be written; gives how many bytes are left. Where
    Twisted encrypts, it only gives that: what is encrypted, and when all of it is, Twisted's TLS alone knows.

    Args:
        send: the server's own.

    Returns: None on another server.
    """
    protocol = protocol_of(send)
    if protocol is None:
        return None
    transport = protocol.transport
    return partial(_flush if beneath_tls(transport) is transport else unsent_bytes, transport)


def _flush(transport: Any) -> int:
    waiting = unsent_bytes(transport)
    # What waits already is the reactor's to write, and so is an end: it knows what to do when that fails. It still
    # means to write what was not written here.
    if waiting and transport.connected and not transport.disconnecting and not transport.dataBuffer:
        transport.doWrite()
        return unsent_bytes(transport)
    return waiting


def writer(transport: Any) -> Callable[[bytes], None]:
    """Does what `transport.write` does, and sends what it is given at once where nothing waits.

    Twisted would have the selector look whether the socket takes it, and no longer once it has: two system calls for
    each frame, and a sixth of what an echo costs.
    """
    return partial(_write, transport) if beneath_tls(transport) is transport else transport.write


def _write(transport: Any, data: bytes) -> None:
    if transport.connected and not transport.disconnecting and not unsent_bytes(transport):
        written = transport.writeSomeData(data)
        if written == len(data):
            return
        if isinstance(written, int) and written > 0:
            data = data[written:]
    transport.write(data)  # when that fails as well, it knows what to do
