"""What a listener hears of audio that comes in pieces."""

import numpy as np
from numpy.typing import NDArray

GAP_S = 0.3
"""A piece that comes so late after the one before is a new beginning; one that is less late was held up by the network,
and a player with a buffer would not let that be heard."""


class Heard:
    """Audio in one channel, in the time of the call: silences last as long as they did.

    Args:
        sample_rate: Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._pieces: list[NDArray[np.int16]] = []
        self._length = 0

    @property
    def end_s(self) -> float:
        """When all that has come will have been played, in seconds since the call began."""
        return self._length / self.sample_rate

    @property
    def samples(self) -> NDArray[np.int16]:
        """int16 of shape (n,)."""
        return np.concatenate([np.zeros(0, np.int16), *self._pieces])

    def add(self, samples: NDArray[np.int16], at_s: float) -> None:
        """A piece that came `at_s` seconds into the call."""
        gap_s = at_s - self.end_s
        if gap_s > GAP_S:
            self._append(np.zeros(round(gap_s * self.sample_rate), np.int16))
        self._append(samples)

    def clear(self, at_s: float) -> None:
        """Drop what would be played later than `at_s` seconds into the call."""
        kept = self.samples[: round(at_s * self.sample_rate)]
        self._pieces, self._length = [kept], kept.size

    def _append(self, samples: NDArray[np.int16]) -> None:
        self._pieces.append(samples)
        self._length += samples.size
