"""When the next audio may leave: a deadline clock. It reads no clock, time is an argument."""

# Below what a timer can wait; without it, rounding could ask for waits too short to move the clock.
TIMER_RESOLUTION_S = 1e-6


class Pacer:
    """Keeps audio that was sent but not yet played within a lead.

    All times are seconds of one monotonic clock.

    Args:
        lead_s: how much audio may be ahead of what has been played.
        overhead_s: what playing one piece takes beyond its duration, such as the gap between
            two buffers.
    """

    def __init__(self, lead_s: float, overhead_s: float = 0.0) -> None:
        self.lead_s = lead_s
        self.overhead_s = overhead_s
        self._played_at_s = float("-inf")

    def wait_s(self, duration_s: float, now: float) -> float:
        """How long a piece of that duration must wait so that after sending it at most the lead is
        ahead; 0.0: it may leave now. A piece longer than the lead waits until nothing is ahead.
        """
        room_s = max(0.0, self.lead_s - duration_s - self.overhead_s)
        wait_s = self.ahead_s(now) - room_s
        return wait_s if wait_s > TIMER_RESOLUTION_S else 0.0

    def leaves(self, duration_s: float, now: float) -> bool:
        """`wait_s` and `sent` in one, for live audio: True, and it counts as sent, when the piece need not wait."""
        ahead_s = self._played_at_s - now
        if ahead_s <= 0.0:
            self._played_at_s = now + duration_s + self.overhead_s
            return True
        if self.wait_s(duration_s, now):
            return False
        self._played_at_s += duration_s + self.overhead_s
        return True

    def sent(self, duration_s: float, now: float) -> None:
        """A piece of that duration left at `now`."""
        self._played_at_s = max(now, self._played_at_s) + duration_s + self.overhead_s

    def ahead_s(self, now: float) -> float:
        """How much has been sent and not yet played."""
        return max(0.0, self._played_at_s - now)

    def clear(self, now: float) -> None:
        """The client dropped what it had not yet played: nothing is ahead any more."""
        self._played_at_s = now
