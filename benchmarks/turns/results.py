"""Everything one run saw, and what is computed from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.results import machine
from benchmarks.turns.measure import Cell, InterruptionCell


@dataclass(slots=True, kw_only=True)
class Results:
    cells: list[Cell] = field(default_factory=list)
    interruptions: list[InterruptionCell] = field(default_factory=list)

    def latest_ms(self, cell: Cell) -> list[float]:
        """For each session, by how much its latest answer came later than the same turn's at N = 1."""
        alone = {answer.label: answer.latency_ms for answer in self._alone(cell)}
        lateness = []
        for answers in cell.answers:
            pairs = [(answer.latency_ms, alone.get(answer.label)) for answer in answers]
            lateness.append(
                max((ms - usual for ms, usual in pairs if ms is not None and usual is not None), default=0.0)
            )
        return lateness

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": machine(),
            "cells": [asdict(cell) for cell in self.cells],
            "interruptions": [asdict(cell) for cell in self.interruptions],
        }

    def _alone(self, cell: Cell) -> list[Any]:
        kind = cell.target, cell.setting, 1
        same = [other for other in self.cells if (other.target, other.setting, other.sessions) == kind]
        return same[0].all_answers if same else []
