"""A handler's audio at the socket's rate, whatever rates it comes at."""

import asyncio
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtc.core.resampling import Resampler

Samples = NDArray[np.int16]

TAIL_AFTER_S = 0.1
"""When nothing follows for so long, what the resampler still holds is sent."""


class Conversion:
    """Resamples what one task writes. On the event loop.

    `source_rate`: that of the audio last converted, Hz.

    Args:
        rate: the socket's, Hz.
        is_under_way: whether audio that was converted has yet to be queued: then nothing that follows it may be.
        push: queues what the resampler still held, int16 of shape (n,).
    """

    def __init__(self, rate: int, is_under_way: Callable[[], bool], push: Callable[[Samples], None]) -> None:
        self.source_rate = rate
        self._rate = rate
        self._is_under_way = is_under_way
        self._push = push
        self._resampler = Resampler(rate, rate)
        self._loop = asyncio.get_running_loop()
        self._last_write = 0.0
        self._tail_timer: asyncio.TimerHandle | None = None

    def convert(self, sample_rate: int, samples: Samples) -> Samples:
        """What has become ready, of shape (m,), where m may be 0. At another rate than before, the tail goes first."""
        if sample_rate != self.source_rate:
            self.push_tail()
            self._resampler = Resampler(sample_rate, self._rate)
            self.source_rate = sample_rate
        self.written()
        if self._tail_timer is None and sample_rate != self._rate:
            self._tail_timer = self._loop.call_later(TAIL_AFTER_S, self._tail_due)
        return self._resampler.process(samples)

    def written(self) -> None:
        """Audio has just come, or has been queued: from now on more may follow for `TAIL_AFTER_S`."""
        self._last_write = self._loop.time()

    def push_tail(self) -> None:
        tail = self._resampler.flush()
        if tail.size:
            self._push(tail)

    def drop(self) -> None:
        """Forget what the resampler holds."""
        self._resampler.flush()

    def close(self) -> None:
        """Let go of the resampler, which is memory of its library's own."""
        self.source_rate = self._rate
        self._resampler = Resampler(self._rate, self._rate)
        if self._tail_timer is not None:
            self._tail_timer.cancel()

    def _tail_due(self) -> None:
        now = self._loop.time()
        due = (now if self._is_under_way() else self._last_write) + TAIL_AFTER_S
        if due > now + 0.001:
            self._tail_timer = self._loop.call_at(due, self._tail_due)
            return
        self._tail_timer = None
        self.push_tail()
