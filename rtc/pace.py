"""How often the readers of a process read: each read takes the interpreter from the audio."""

import asyncio

READS_PER_S = 250
"""How often all readers of a process together read, at most, once they do so all the time: the more there are, the
longer each gathers."""
READS_IN_A_ROW = 50
"""How many may follow one another faster than that after a rest."""
SPACING_S = 0.002
"""How far apart those are: what sessions emit at the same moment wakes many readers, and audio goes between them."""
LONGEST_TURN_S = 0.2
"""How long a request waits for its turn, at most: a crowd of strangers must not hold up a session's readers."""


class Pace:
    """When the next reader of this process may read, by leaky buckets (ITU-T I.371's generic cell rate algorithm)."""

    def __init__(self) -> None:
        self._full_at = 0.0
        self._free_at = 0.0

    def next(self, at: float) -> float:
        """The first time from `at` on, in seconds of the loop's clock, that is free; it is taken."""
        slot_s = 1 / READS_PER_S
        read_at = max(at, self._free_at, self._full_at - READS_IN_A_ROW * slot_s)
        self._full_at = max(at, self._full_at) + slot_s
        self._free_at = read_at + SPACING_S
        return read_at

    async def turn(self) -> None:
        """Wait for it; where the line is too long, for `LONGEST_TURN_S` beside it."""
        now = asyncio.get_running_loop().time()
        too_long = self._free_at - now > LONGEST_TURN_S
        await asyncio.sleep(LONGEST_TURN_S if too_long else self.next(now) - now)


pace = Pace()
