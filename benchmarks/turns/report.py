"""The run as Markdown."""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.report import table
from benchmarks.turns.measure import Cell
from benchmarks.turns.results import Results
from benchmarks.turns.targets import LABELS, SETTING_LABELS

LATE_MS = 100
NONE = "–"


def markdown(results: Results) -> str:
    parts = [
        "From the last sound of a turn to the first audio of the reply:",
        _latencies(results),
        "What became of the turns, and what it cost:",
        _turns(results),
    ]
    if results.interruptions:
        parts += [
            "From 0.2 s of speech into a reply to the reply's last audio message, one session:",
            _cut_off(results),
        ]
    return "\n\n".join(parts + _warnings(results)) + "\n"


def _latencies(results: Results) -> str:
    header = (
        "sessions",
        "server",
        "options",
        "median ms",
        "p95 ms",
        "worst ms",
        f"sessions > {LATE_MS} ms later than alone",
    )
    return table(header, (_latency_row(results, cell) for cell in results.cells))


def _latency_row(results: Results, cell: Cell) -> list[str]:
    latencies = cell.latencies_ms
    figures = [f"{value:.0f}" for value in np.percentile(latencies, (50, 95, 100))] if latencies else [NONE] * 3
    late = sum(ms > LATE_MS for ms in results.latest_ms(cell))
    return [*_names(cell), *figures, NONE if cell.sessions == 1 else f"{late} of {cell.sessions}"]


def _turns(results: Results) -> str:
    header = (
        "sessions",
        "server",
        "options",
        "early cuts",
        "missed",
        "turns",
        "lost ms",
        "CPU ms/session-s",
        "KiB/session",
    )
    return table(header, (_turn_row(cell) for cell in results.cells))


def _turn_row(cell: Cell) -> list[str]:
    turns = len(cell.all_answers)
    lost = NONE if cell.lost_ms is None else f"{sum(cell.lost_ms.values()):.0f}"
    return [
        *_names(cell),
        str(cell.early),
        str(cell.missed),
        str(turns),
        lost,
        f"{cell.cpu_ms:.2f}",
        f"{cell.memory_kib:.0f}",
    ]


def _cut_off(results: Results) -> str:
    header = "server", "interruptions", "median ms", "worst ms", "`clear`, median ms"
    rows = []
    for cell in results.interruptions:
        last = [seen.last_audio_ms for seen in cell.interruptions]
        clear = [seen.clear_ms for seen in cell.interruptions if seen.clear_ms is not None]
        figures = [f"{median(last):.0f}", f"{max(last):.0f}"] if last else [NONE, NONE]
        rows.append([LABELS[cell.target], str(len(last)), *figures, f"{median(clear):.0f}" if clear else NONE])
    return table(header, rows)


def _names(cell: Cell) -> list[str]:
    return [str(cell.sessions), LABELS[cell.target], SETTING_LABELS[cell.setting]]


def _warnings(results: Results) -> list[str]:
    lines = []
    for cell in results.cells:
        if cell.disturbance > 1:
            lines.append(
                f"- {', '.join(_names(cell))}: disturbed by other work on the machine ({cell.others_share:.0%} of the "
                f"server's core; callers {cell.client_late_p99_ms:.1f} ms late, p99)"
            )
        strange = [kind for kind in cell.messages if kind.startswith(("error", "end", "failed", "connection"))]
        if strange:
            lines.append(f"- {', '.join(_names(cell))}: also received {', '.join(strange)}")
    return ["Notes:", "\n".join(lines)] if lines else []


def progress(cell: Cell) -> str:
    middle = f"{median(cell.latencies_ms):6.0f}" if cell.latencies_ms else "  none"
    return (
        f"{LABELS[cell.target]:18} {cell.setting:8} N={cell.sessions:<4} {middle} ms  early {cell.early}  "
        f"missed {cell.missed}  CPU {cell.cpu_ms:6.2f} ms/session-s  {cell.memory_kib:6.0f} KiB/session"
    )
