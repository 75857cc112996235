"""What the clocks of other workers say, so that one can be told until when something counts.

Clocks of machines need not agree: each is read from the answers of its own worker.
"""

from collections import OrderedDict

KEPT_S = 60.0
"""How long a reading is good for. Two clocks drift apart by some 10 ms in that time, at most."""
MAX_KNOWN = 1_000


class Clocks:
    """Lower bounds of what others' clocks say, by address. All times are seconds of monotonic clocks."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def heard(self, address: str, clock: float, now: float) -> None:
        """Note what it said when it answered, and when that came, on our own clock. On its way it has gone on, so that
        of several readings the one that is furthest ahead was the fastest.
        """
        ahead_s = clock - now
        if not self.knows(address, now) or ahead_s >= self._known[address][0]:
            self._known[address] = ahead_s, now
            self._known.move_to_end(address)
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)

    def forget(self, address: str) -> None:
        self._known.pop(address, None)

    def knows(self, address: str, now: float) -> bool:
        return address in self._known and now - self._known[address][1] <= KEPT_S

    def reading(self, address: str, at: float) -> float | None:
        """What it will say at a time of our own clock, at least; None when that has never been heard."""
        return at + self._known[address][0] if address in self._known else None
