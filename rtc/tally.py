"""What this process has counted since it started. Whoever counts pays for an addition; the rest is done when asked."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

from rtc.particulars import Figures

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FORMAT = 1
"""Of `Tally.totals`. While a new release is rolled out, workers of two write to one database."""
FRAMES = ("frames_in", "frames_out", "frames_dropped")


class Counted(Protocol):
    def figures(self) -> Figures: ...


class Histogram:
    """How many durations were in each of `BUCKETS_S`, and one more for the longest; not cumulative."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, duration_s: float) -> None:
        self.counts[bisect_left(BUCKETS_S, duration_s)] += 1
        self.sum_s += duration_s

    def to_json(self) -> dict[str, Any]:
        return {"counts": list(self.counts), "sum_s": round(self.sum_s, 6)}


class Tally:
    def __init__(self) -> None:
        self.started: Counter[str] = Counter()  # by stream
        self.refused: Counter[str] = Counter()  # by reason, as the next
        self.ended: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()  # of sessions that are over
        self.outputs = 0
        self.inputs = 0
        self.turns = 0
        self.hook = Histogram()
        self.output = Histogram()
        self.reply = Histogram()

    def end(self, reason: str, figures: Figures) -> None:
        """A session is over."""
        self.ended[reason] += 1
        for name in FRAMES:
            self.frames[name] += getattr(figures, name)

    def turn(self, delay_s: float | None) -> None:
        """A turn is over.

        Args:
            delay_s: from its end to the reply's first audio; None when there was none.
        """
        self.turns += 1
        if delay_s is not None:
            self.reply.add(delay_s)

    def totals(self, calls: Iterable[Counted] = ()) -> dict[str, Any]:
        """All of it, as JSON has it.

        Args:
            calls: those that go on.
        """
        frames = Counter(self.frames)
        for call in calls:
            figures = call.figures()
            for name in FRAMES:
                frames[name] += getattr(figures, name)
        return {
            "format": FORMAT,
            "started": dict(self.started),
            "refused": dict(self.refused),
            "ended": dict(self.ended),
            "frames": {name: frames[name] for name in FRAMES},
            "outputs": self.outputs,
            "inputs": self.inputs,
            "turns": self.turns,
            "hook": self.hook.to_json(),
            "output": self.output.to_json(),
            "reply": self.reply.to_json(),
        }


tally = Tally()
"""Of this process."""
