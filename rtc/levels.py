"""How loud audio was since it was last asked, at the price of a comparison a frame."""

import math
from typing import Any

import numpy as np

LOOK_S = 0.2
"""How often a frame is looked at, which costs as much as decoding two: hardly a word is that short."""
FULL_SCALE = 32768
FLOOR_DBFS = -96.0


class LoudestFrame:
    """The loudest of the frames that were looked at since `take`.

    `due`: when to look at the next one, seconds of the clock that `look` is told; the first one always is.
    """

    def __init__(self) -> None:
        self.due = -math.inf
        self._power = 0.0

    def look(self, samples: Any, now: float) -> None:
        """Take in a frame that is due, int16 of shape (n,)."""
        self.due = now + LOOK_S
        wide = samples.astype(np.int64)  # whole numbers: no square overflows, and no threads of BLAS are woken
        self._power = max(self._power, int(wide @ wide) / max(samples.size, 1))

    def take(self) -> float:
        """RMS of the loudest frame in dB of full scale, and begin anew; the floor for silence, or for no frame."""
        power, self._power, self.due = self._power, 0.0, -math.inf
        return max(round(20 * math.log10(math.sqrt(power) / FULL_SCALE), 1), FLOOR_DBFS) if power else FLOOR_DBFS
