"""What is under a WebSocket on Daphne, whose transport is Twisted's. Other servers' is out of reach, and need not be
reached: they have `send` wait for a client that does not read, and read no further than the application does.
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


def unsent_bytes(transport: Any) -> int:
    """How much was sent and waits to be written: Twisted keeps it all, for as long as its client does not read."""
    waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return waiting
