"""When this process saw the last beat of each worker, by a clock of its own that never leaps.

Times of beats are the database's. When its clock leaps forward, as that of a machine that was suspended does, every
worker looks as if it had been silent for long.
"""

import math
import threading
from collections.abc import Collection
from datetime import datetime

SEEN_SHARE = 0.5
"""Which part of `RTC_WORKER_LOST_S` a worker's last beat must have been seen to be the last. By the end of that time it
has beaten several times, and between two looks less than that passes: so nobody is found lost later than by the
database's clock alone.
"""


class Sightings:
    """From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[int, tuple[datetime, float]] = {}

    def lost(self, workers: Collection[tuple[int, datetime, bool]], lost_s: float, now: float) -> list[int]:
        """Those that are lost, of all workers on record.

        A worker seen for the first time may have been dead for days: then the database's clock alone decides.

        Args:
            workers: primary key, last beat, and whether that is too long ago by the database's clock.
            lost_s: how long a worker may be silent.
            now: in seconds of any monotonic clock.
        """
        with self._lock:
            seen, self._seen = self._seen, {}
            for pk, beat_at, late in workers:
                last_at, since = seen.get(pk, (None, now))
                if last_at is None or beat_at < last_at:
                    since = -math.inf if late else now
                elif beat_at > last_at:
                    since = now
                self._seen[pk] = beat_at, since
            return [pk for pk, _, late in workers if late and now - self._seen[pk][1] >= SEEN_SHARE * lost_s]


sightings = Sightings()
