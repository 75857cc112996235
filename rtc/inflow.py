"""How fast a client may send. What is more than that is not read, and so, by TCP, waits with the client."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

from rtc.transports import beneath_tls, protocol_of

READ_BYTES = 4 * 1024
"""How much of a socket is read at a time. Twisted reads 64 KiB: of the smallest frames that is half a second's work, in
which no other session's audio moves. Daphne's own TLS hands over a whole record of theirs, which is 16 KiB at most."""
WINDOW_S = 1.0


class Inflow:
    """Counts the frames of one socket: on Daphne as they are read, elsewhere as they are taken.

    `left`: how many more may be taken before a rest. `throttle`: what reads the socket on Daphne.

    Args:
        send: the server's own.
        limit: how many frames there may be in a second.
        answered: called when Daphne's WebSocket library may have answered something by itself, as it does pings.
    """

    def __init__(self, send: Any, limit: int, answered: Callable[[], None]) -> None:
        self._limit = self.left = float(limit)
        self._clock = asyncio.get_running_loop().time
        self._since = self._clock()
        self.throttle: Throttle | None = None
        protocol = protocol_of(send)
        if protocol is not None:
            self.left = math.inf
            self.throttle = Throttle(protocol, limit, answered)

    def is_spent(self) -> bool:
        """Count one frame more; whether to rest before the next."""
        self.left -= 1
        return self.left <= 0

    async def rest(self) -> None:
        """Take the next when the second is over."""
        await asyncio.sleep(self._since + WINDOW_S - self._clock())
        self._since = self._clock()
        self.left = self._limit


class Throttle:
    """Reads no more than so many frames in a second, of those as well that Daphne's WebSocket library keeps to itself:
    pings, parts of messages, and what comes while a close frame is not answered.

    `receive`: takes what was read of the socket of `protocol`.
    """

    def __init__(self, protocol: Any, limit: int, answered: Callable[[], None]) -> None:
        self.protocol = protocol
        self._transport = beneath_tls(protocol.transport)
        self._traffic = protocol.trafficStats
        self._uncounted = 0
        self._limit = limit
        self._answered = answered
        self._loop = asyncio.get_running_loop()
        self._count_anew()
        self._transport.bufferSize = READ_BYTES
        self.receive: Callable[[bytes], None] = protocol.dataReceived
        protocol.dataReceived = self._take
        self._control, protocol.processControlFrame = protocol.processControlFrame, self._take_control_frame
        self._send_close, protocol.sendCloseFrame = protocol.sendCloseFrame, self._send_close_frame

    def _count_anew(self) -> None:
        self._since = self._loop.time()
        self._full = self._traffic.incomingWebSocketFrames + self._uncounted + self._limit

    def _take_control_frame(self) -> Any:
        self._uncounted += 1
        result = self._control()
        self._answered()
        return result

    def _send_close_frame(self, *args: Any, **options: Any) -> None:
        was_open = self.protocol.state == self.protocol.STATE_OPEN
        self._send_close(*args, **options)
        # The library's own count ends here. A release without that hook leaves these frames uncounted, and no worse.
        if was_open and hasattr(self.protocol, "_onMessageFrameEnd"):
            self._end_frame = self.protocol._onMessageFrameEnd
            self.protocol._onMessageFrameEnd = self._take_late_frame

    def _take_late_frame(self) -> None:
        self._uncounted += 1
        self._end_frame()

    def _take(self, data: bytes) -> None:
        self.receive(data)
        if self._traffic.incomingWebSocketFrames + self._uncounted < self._full:
            return
        if self._loop.time() - self._since >= WINDOW_S:
            self._count_anew()
        else:
            self._transport.pauseProducing()
            self._loop.call_at(self._since + WINDOW_S, self._read_on)

    def _read_on(self) -> None:
        self._count_anew()
        self._transport.resumeProducing()
