"""The transport under a WebSocket on Daphne, which is Twisted's. Other servers' is out of reach, and need not be
reached: they have `send` wait for a client that does not read, and read no further than the application does.
"""

import sys
from functools import partial
from typing import Any

from rtc.closing import DAPHNE


def transport_of(send: Any) -> Any:
    """None on another server.

    Args:
        send: the server's own.
    """
    daphne = sys.modules.get(DAPHNE)
    if daphne is None or not isinstance(send, partial) or not send.args:
        return None
    protocol = send.args[0]
    return protocol.transport if isinstance(protocol, daphne.WebSocketProtocol) else None


def unsent_bytes(transport: Any) -> int:
    """How much was sent and waits to be written: Twisted keeps it all, for as long as its client does not read."""
    waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return waiting
