"""How fast a client may send. What is more than that is not read, and so, by TCP, waits with the client."""

import asyncio
from typing import Any

from rtc.transports import transport_of

READ_BYTES = 4 * 1024
"""How much of a socket is read at a time. Twisted reads 64 KiB: of the smallest frames that is half a second's work, in
which no other session's audio moves."""
WINDOW_S = 1.0


class Inflow:
    """Counts the frames of one socket.

    Args:
        send: the server's own.
        limit: how many frames are taken in a second.
    """

    def __init__(self, send: Any, limit: int) -> None:
        self._limit = self._left = limit
        self._clock = asyncio.get_running_loop().time
        self._since = self._clock()
        self._transport = transport_of(send)
        if self._transport is not None:
            self._transport.bufferSize = READ_BYTES

    def is_spent(self) -> bool:
        """Count one frame more; whether to rest before the next."""
        self._left -= 1
        return self._left <= 0

    async def rest(self) -> None:
        """Read on when the second is over."""
        wait_s = self._since + WINDOW_S - self._clock()
        if wait_s > 0:
            await self._pause(wait_s)
        self._since = self._clock()
        self._left = self._limit

    async def _pause(self, wait_s: float) -> None:
        if self._transport is not None:
            self._transport.pauseProducing()
        try:
            await asyncio.sleep(wait_s)
        finally:
            if self._transport is not None:
                self._transport.resumeProducing()
