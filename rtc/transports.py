"""What is under a WebSocket on Daphne, whose transport is Twisted's. Other servers' is out of reach. They have `send`
wait for a client that does not read, and read no further than the application takes messages; what they keep to
themselves, such as pings, is not counted there (docs/security.md).
"""

import sys
from functools import partial
from typing import Any

from rtc.closing import DAPHNE


def protocol_of(send: Any) -> Any:
    """What speaks WebSocket on Daphne, its `transport` below; None on another server.

    Args:
        send: the server's own.
    """
    daphne = sys.modules.get(DAPHNE)
    if daphne is None or not isinstance(send, partial) or not send.args:
        return None
    return send.args[0] if isinstance(send.args[0], daphne.WebSocketProtocol) else None


def beneath_tls(transport: Any) -> Any:
    """What reads and writes the socket: the transport itself, or the one under Daphne's own TLS. That passes on what is
    asked of it and does not know, but not what it is told.
    """
    while (below := getattr(transport, "transport", None)) is not None:
        transport = below
    return transport


def unsent_bytes(transport: Any) -> int:
    """How much was sent and waits to be written: Twisted keeps it all, for as long as its client does not read. Under
    TLS it is counted as it is once encrypted; what is not yet, less than 64 KiB, is in the next pass of the loop.
    """
    waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return waiting
