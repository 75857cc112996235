"""The latest audio of a session, by position, for the turns to be cut from."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

Int16Samples = NDArray[np.int16]


class RecentAudio:
    """Keeps audio until it is dropped; positions are samples since the session's first.

    Args:
        limit: how many samples are kept at most; beyond that the oldest go.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: deque[Int16Samples] = deque()
        self._begin = 0
        self.end = 0

    def add(self, samples: Int16Samples) -> None:
        """Keep what comes next: int16 of shape (n,)."""
        self._parts.append(samples)
        self.end += samples.size
        if self.end - self._begin > self._limit:
            self.drop(self.end - self._limit)

    def drop(self, before: int) -> None:
        """Forget all parts that end before this position."""
        while self._parts and self._begin + self._parts[0].size <= before:
            self._begin += self._parts.popleft().size

    def cut(self, begin: int, end: int) -> Int16Samples:
        """A copy from one position to another, as far as it is there: shape (n,)."""
        if not self._parts or end <= begin:
            return np.zeros(0, np.int16)
        first = max(begin - self._begin, 0)
        return np.concatenate(self._parts)[first : max(end - self._begin, 0)]
