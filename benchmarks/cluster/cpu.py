"""What Redis costs a worker: CPU a session against the single process of `make bench`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.cluster.workers import server_cores, target, workers
from benchmarks.measure import Bench, Cell
from benchmarks.targets import ALL, OURS_DAPHNE

SESSIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuComparison:
    """`rounds` are pairs: a single process with the in-memory layer, and a worker with Redis and another beside it."""

    sessions: int
    rounds: list[tuple[Cell, Cell]]

    @property
    def alone_ms(self) -> float:
        """CPU for each session and second."""
        return median(alone.cpu_ms for alone, _ in self.rounds)

    @property
    def joined_ms(self) -> float:
        return median(joined.cpu_ms for _, joined in self.rounds)

    @property
    def ratio(self) -> float:
        """Median of the rounds' own ratios: both of a round met the same machine."""
        return median(joined.cpu_ms / alone.cpu_ms for alone, joined in self.rounds)


def compare(folder: Path, rounds: int, seconds: float, sessions: int = SESSIONS) -> CpuComparison:
    (alone,) = [target for target in ALL if target.name == OURS_DAPHNE]
    bench = Bench(core=max(server_cores()), folder=folder, seconds=seconds)
    pairs = []
    for _ in range(rounds):
        with workers(1, folder):
            joined = bench.talking(target("worker-measured"), sessions)
        pairs.append((bench.talking(alone, sessions), joined))
    return CpuComparison(sessions=sessions, rounds=pairs)
