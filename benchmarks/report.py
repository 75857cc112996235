"""The run as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.measure import LONG_CALL_STEP_S, Cell
from benchmarks.results import Results
from benchmarks.targets import (
    ALL,
    BARE_DAPHNE,
    BARE_UVICORN,
    BLOCKING,
    FASTRTC_UVICORN,
    OURS_DAPHNE,
    OURS_UVICORN,
    Target,
)

LABELS = {target.name: target.label for target in (*ALL, *BLOCKING)}

_RATIOS = (
    ("CPU, rtc / bare, Daphne", OURS_DAPHNE, BARE_DAPHNE, "cpu_ms"),
    ("CPU, rtc / bare, uvicorn", OURS_UVICORN, BARE_UVICORN, "cpu_ms"),
    ("CPU, FastRTC / bare, uvicorn", FASTRTC_UVICORN, BARE_UVICORN, "cpu_ms"),
    ("p50, rtc / bare, Daphne", OURS_DAPHNE, BARE_DAPHNE, "p50_ms"),
    ("p50, rtc / bare, uvicorn", OURS_UVICORN, BARE_UVICORN, "p50_ms"),
    ("p50, FastRTC / rtc, uvicorn", FASTRTC_UVICORN, OURS_UVICORN, "p50_ms"),
)


def markdown(results: Results) -> str:
    parts = [
        f"Medians of {len(results.rounds)} interleaved rounds, {results.seconds:g} s each.",
        _cells(results),
        "Ratios (median of the rounds' own ratios):",
        _ratios(results),
    ]
    if results.idle:
        parts += ["Connected, started and silent:", _idle(results)]
    if results.long_calls:
        parts += [
            f"Median latency in ms in each {LONG_CALL_STEP_S:g} s of one call, and in all of it:",
            _long_calls(results),
        ]
    if results.blocking:
        parts += ["The echo of FastRTC's documentation, whose `emit` blocks in `queue.get()`:", _blocking(results)]
    parts += _warnings(results)
    return "\n\n".join(parts) + "\n"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(header)
    lines = [names, ["---", "---"] + ["---:"] * (len(names) - 2), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(results: Results) -> str:
    header = "sessions", "server", "p50 ms", "p95 ms", "p99 ms", "CPU ms/session-s", "KiB/session", "lost"
    rows = [_cell_row(results, target, sessions) for sessions in results.sessions for target in results.targets]
    return table(header, rows)


def _cell_row(results: Results, target: str, sessions: int) -> list[str]:
    def middle(name: str, digits: int) -> str:
        return f"{results.median(target, sessions, lambda cell: getattr(cell, name)):.{digits}f}"

    cells = results.cells(target, sessions)
    lost, sent = sum(cell.lost for cell in cells), sum(cell.sent for cell in cells)
    latencies = [middle("p50_ms", 2), middle("p95_ms", 2), middle("p99_ms", 2)]
    cost = [middle("cpu_ms", 2), middle("memory_kib", 0)]
    return [str(sessions), LABELS[target], *latencies, *cost, f"{lost} of {sent}"]


def _ratios(results: Results) -> str:
    rows = []
    for label, target, baseline, name in _RATIOS:

        def value(cell: Cell, name: str = name) -> float:
            number: float = getattr(cell, name)
            return number

        ratios = [results.ratio(target, baseline, sessions, value) for sessions in results.sessions]
        if None not in ratios:
            rows.append([label, "", *(f"{ratio:.2f}" for ratio in ratios)])
    return table(["ratio", "sessions:", *map(str, results.sessions)], rows)


def _idle(results: Results) -> str:
    rows = [[str(cell.sessions), LABELS[cell.target], f"{cell.cpu_ms:.3f}"] for cell in results.idle]
    return table(("sessions", "server", "CPU ms/session-s"), rows)


def _long_calls(results: Results) -> str:
    steps = range(1, len(results.long_calls[0].p50_ms) + 1)
    header = ["sessions", "server", *(f"to {step * LONG_CALL_STEP_S:g} s" for step in steps), "all"]
    rows = [
        [str(call.sessions), LABELS[call.target], *(f"{p50:.2f}" for p50 in (*call.p50_ms, call.whole_p50_ms))]
        for call in results.long_calls
    ]
    return table(header, rows)


def _blocking(results: Results) -> str:
    rows = [
        [
            str(cell.sessions),
            LABELS[cell.target],
            f"{cell.p50_ms:.2f}",
            f"{cell.p99_ms:.2f}",
            f"{cell.lost} of {cell.sent}",
        ]
        for cell in results.blocking
    ]
    return table(("sessions", "server", "p50 ms", "p99 ms", "lost"), rows)


def _warnings(results: Results) -> list[str]:
    lines = []
    disturbed = [cell for cells in results.rounds for cell in cells if cell.disturbance > 1]
    if disturbed:
        count = sum(map(len, results.rounds))
        lines.append(f"- {len(disturbed)} of {count} measurements were disturbed by other work on the machine")
    for cells in results.rounds:
        for cell in cells:
            where = f"{LABELS[cell.target]}, {cell.sessions} sessions"
            if cell.damaged:
                lines.append(f"- {where}: {cell.damaged} echoes differ from what was sent")
            refused = [kind for kind in cell.other_messages if kind not in ("start", "started")]
            if refused:
                lines.append(f"- {where}: also received {', '.join(refused)}")
    return ["Notes:", "\n".join(lines)] if lines else []


def progress(target: Target, cell: Cell) -> str:
    return (
        f"{target.label:24} N={cell.sessions:<4} p50 {cell.p50_ms:8.2f} ms  p99 {cell.p99_ms:8.2f} ms  "
        f"CPU {cell.cpu_ms:6.2f} ms/session-s  {cell.memory_kib:6.0f} KiB/session  lost {cell.lost}"
        f"{'  (disturbed)' if cell.disturbance > 1 else ''}"
    )
