"""The closing handshake (RFC 6455, section 7.1) on Daphne, whose WebSocket library leaves no time for it."""

import sys

DAPHNE = "daphne.ws_protocol"


def allow_close_handshake(timeout_s: float) -> None:
    """Have Daphne, if it is what serves, wait that long for a client's close frame before it resets the connection.

    Its library, autobahn, waits 1 s by default and rounds the moment down to a whole second: a client is reset after
    0 to 1 s, and what was on its way to it, the reason of the end included, is lost. Daphne has no option for it; what
    a protocol class holds already, autobahn leaves alone.
    """
    if (daphne := sys.modules.get(DAPHNE)) is not None:
        daphne.WebSocketProtocol.closeHandshakeTimeout = timeout_s
