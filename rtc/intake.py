"""Audio on its way from the socket to the handler: a bounded queue that turns payloads into frames."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtc.core.audio import decode_mulaw, decode_mulaw_frame, decode_pcm16, decode_pcm16_frame
from rtc.core.formats import Encoding, MediaFormat
from rtc.core.rates import RateEstimator
from rtc.core.resampling import Resampler
from rtc.levels import LoudestFrame

Frame = tuple[int, NDArray[np.int16]]


class Intake:
    """Takes payloads in the client's format, gives frames at the handler's rate.

    The event loop puts; one task, or one thread, gets. When more than `limit_s` seconds of audio wait, the oldest
    payload is dropped and counted. A client that declared no format is measured first (see `rtc.core.rates`): its audio
    is held back until the rate is known.

    Args:
        media_format: what the client declared, or None.
        handler_rate: Hz the handler wants.
        limit_s: how much audio may wait.
        arrived: called after each payload that can be taken.
        rate_measured: called once with the rate in Hz that an undeclared client was found to send.
    """

    def __init__(
        self,
        media_format: MediaFormat | None,
        handler_rate: int,
        limit_s: float,
        *,
        arrived: Callable[[], None],
        rate_measured: Callable[[int], None],
    ) -> None:
        encoding = media_format.encoding if media_format else Encoding.MULAW
        self._decode = decode_mulaw if encoding is Encoding.MULAW else decode_pcm16
        self._decode_frame = decode_mulaw_frame if encoding is Encoding.MULAW else decode_pcm16_frame
        self._bytes_per_sample = encoding.bytes_per_sample
        self._handler_rate = handler_rate
        self._limit_s = limit_s
        self._arrived = arrived
        self._rate_measured = rate_measured
        self._payloads: deque[bytes] = deque()
        # One writer each, since putting and getting may happen in two threads.
        self._bytes_put = 0
        self._bytes_got = 0
        self.loudest = LoudestFrame()
        self._estimator: RateEstimator | None = None
        self._resampler: Resampler | None = None
        self.frames_in = 0
        self.frames_dropped = 0
        if media_format is None:
            self._estimator = RateEstimator(handler_rate)
            self._bytes_per_s = handler_rate
            self._limit_bytes = int(limit_s * handler_rate)
        else:
            self._take_rate(media_format.sample_rate)

    def __len__(self) -> int:
        """How many payloads wait."""
        return len(self._payloads)

    def put(self, payload: bytes, now: float) -> None:
        """Take in one payload that came at `now`, seconds of the loop's clock. An empty one is nothing: what waits is
        bounded by its bytes.
        """
        if not payload:
            return
        self.frames_in += 1
        self._payloads.append(payload)
        if now >= self.loudest.due:
            self.loudest.look(self._decode(payload), now)
        self._bytes_put += len(payload)
        dropped = False
        while self._bytes_put - self._bytes_got > self._limit_bytes and len(self._payloads) > 1:
            dropped = self._drop_oldest() or dropped
        if self._estimator is None:
            if not dropped:
                self._arrived()
            return
        rate = self._estimator.add(len(payload) // self._bytes_per_sample, now)
        if rate is not None:
            self._decide(rate)

    def get(self) -> Frame | None:
        """The next frame, `(handler's rate, int16 array of shape (1, n))`; None when none is ready."""
        while self._estimator is None:
            try:
                payload = self._payloads.popleft()
            except IndexError:  # the loop dropped it between a thread's wake-up and here
                return None
            self._bytes_got += len(payload)
            if (resampler := self._resampler) is None:
                return self._handler_rate, self._decode_frame(payload)
            samples = resampler.process(self._decode(payload))
            if samples.size:
                return self._handler_rate, samples[np.newaxis]
        return None

    @property
    def waiting_s(self) -> float:
        """How much audio waits, in seconds."""
        return (self._bytes_put - self._bytes_got) / self._bytes_per_s

    def settle(self) -> None:
        """Stop measuring: decide with what has come."""
        if self._estimator is not None:
            self._decide(self._estimator.conclude())

    def close(self) -> None:
        """Let go of what waits and of the resampler, which is memory of its library's own."""
        self._payloads.clear()
        self._resampler = None

    def _decide(self, rate: int) -> None:
        self._estimator = None
        self._take_rate(rate)
        self._rate_measured(rate)
        for _ in range(len(self._payloads)):
            self._arrived()

    def _take_rate(self, rate: int) -> None:
        self._bytes_per_s = rate * self._bytes_per_sample
        self._limit_bytes = int(self._limit_s * self._bytes_per_s)
        self._resampler = None if rate == self._handler_rate else Resampler(rate, self._handler_rate)

    def _drop_oldest(self) -> bool:
        try:
            payload = self._payloads.popleft()
        except IndexError:  # a thread was faster
            return False
        self._bytes_put -= len(payload)
        self.frames_dropped += 1
        return True
