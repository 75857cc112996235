"""Everything one run saw, and what is computed from it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from statistics import median
from typing import Any

from benchmarks.measure import Cell, IdleCell, LongCall

PACKAGES = ("channels", "daphne", "django", "uvicorn", "uvloop", "websockets")


def machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {name: version(name) for name in PACKAGES},
    }


@dataclass(slots=True, kw_only=True)
class Results:
    """rounds[i] holds the cells of round i: adjacent in time, so ratios are taken within a round."""

    seconds: float
    rounds: list[list[Cell]] = field(default_factory=list)
    idle: list[IdleCell] = field(default_factory=list)
    long_calls: list[LongCall] = field(default_factory=list)
    blocking: list[Cell] = field(default_factory=list)

    @property
    def sessions(self) -> list[int]:
        return sorted({cell.sessions for cells in self.rounds for cell in cells})

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(cell.target for cells in self.rounds for cell in cells))

    def cells(self, target: str, sessions: int) -> list[Cell]:
        return [cell for cells in self.rounds for cell in cells if (cell.target, cell.sessions) == (target, sessions)]

    def median(self, target: str, sessions: int, value: Callable[[Cell], float]) -> float:
        return median(value(cell) for cell in self.cells(target, sessions))

    def ratio(self, target: str, baseline: str, sessions: int, value: Callable[[Cell], float]) -> float | None:
        """Median over the rounds of target / baseline; None when either was not measured."""
        pairs = zip(self.cells(target, sessions), self.cells(baseline, sessions), strict=False)
        ratios = [value(cell) / value(base) for cell, base in pairs]
        return median(ratios) if ratios else None

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": machine(),
            "seconds": self.seconds,
            "rounds": [[asdict(cell) for cell in cells] for cells in self.rounds],
            "idle": [asdict(cell) for cell in self.idle],
            "long_calls": [asdict(call) for call in self.long_calls],
            "blocking": [asdict(cell) for cell in self.blocking],
        }
