"""How late the event loop is, and how much of a core this process takes."""

import time
from collections import deque
from statistics import median_low

REMEMBERED = 5
FEWEST = 3


class LagProbe:
    """Is told how late each of its regular wake-ups came. One is no lag yet: the median of the last few counts."""

    def __init__(self) -> None:
        self._late_s: deque[float] = deque(maxlen=REMEMBERED)

    def note(self, late_s: float) -> None:
        self._late_s.append(max(0.0, late_s))

    @property
    def lag_ms(self) -> float:
        return 1000 * median_low(self._late_s) if len(self._late_s) >= FEWEST else 0.0


class CpuProbe:
    """Percent of one core, since it was last asked."""

    def __init__(self) -> None:
        self._read_at_s = time.monotonic()
        self._used_s = time.process_time()

    def take(self) -> float:
        now_s, used_s = time.monotonic(), time.process_time()
        passed_s = max(now_s - self._read_at_s, 1e-6)
        percent = 100 * (used_s - self._used_s) / passed_s
        self._read_at_s, self._used_s = now_s, used_s
        return percent
