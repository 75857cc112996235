"""The run as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.cluster.capacity import Measured
from benchmarks.cluster.cpu import CpuComparison
from benchmarks.cluster.measure import AUDIO_SESSIONS, HOOKS_PER_S, OUTPUTS_PER_S, QUIET_PER_S, Row, Spread
from benchmarks.cluster.model import SESSIONS_PER_WORKER, Supply, full_at, needs, rates

SCALES = (1_000, 10_000, 100_000)


def markdown(rows: Sequence[Row], cpu: CpuComparison | None, capacity: Measured | None) -> str:
    parts = [
        f"Inputs and outputs at {QUIET_PER_S:g} a second each, nothing else going on, ms p50 / p99. Across: the "
        "request is another worker's than the session.",
        _quiet(rows),
        f"{AUDIO_SESSIONS} callers of an echo on the first worker, {HOOKS_PER_S:g} inputs and {OUTPUTS_PER_S:g} "
        "outputs a second beside them, across workers where there are several, ms p50 / p99:",
        _busy(rows),
    ]
    if cpu is not None:
        parts += [
            f"CPU of a worker with {cpu.sessions} sessions, ms for each session and second, medians of "
            f"{len(cpu.rounds)} rounds: {cpu.alone_ms:.2f} alone, {cpu.joined_ms:.2f} with Redis and another worker; "
            f"ratio {cpu.ratio:.2f}."
        ]
    if capacity is not None and cpu is not None:
        parts += _capacity(capacity, cpu.joined_ms)
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _spread(spread: Spread) -> str:
    return f"{spread.p50:.1f} / {spread.p99:.1f}"


def _quiet(rows: Sequence[Row]) -> str:
    header = ["workers", "input, same", "input, across", "output, same", "output, across", "starts a second"]
    return table(
        header,
        (
            [
                str(row.workers),
                _spread(row.same[0]),
                "" if row.across is None else _spread(row.across[0]),
                _spread(row.same[1]),
                "" if row.across is None else _spread(row.across[1]),
                f"{row.starts_per_s:.0f}",
            ]
            for row in rows
        ),
    )


def _busy(rows: Sequence[Row]) -> str:
    header = ["workers", "audio alone", "audio beside them", "input", "output", "frames lost", "inputs refused"]
    return table(
        header,
        (
            [
                str(row.workers),
                _spread(row.audio_alone),
                _spread(row.audio_beside),
                _spread(row.beside[0]),
                _spread(row.beside[1]),
                str(row.lost),
                str(row.refused),
            ]
            for row in rows
        ),
    )


def _capacity(measured: Measured, worker_cpu_ms: float) -> list[str]:
    profile = measured.profile
    return [
        "### What 100,000 sessions need",
        f"One session: {profile.outputs_per_s:g} outputs and {profile.hooks_per_s:g} inputs a second, one reader on "
        f"another worker, {profile.call_s:g} s long; {SESSIONS_PER_WORKER} sessions a worker. Measured with "
        f"{measured.sessions} of them on two workers and PostgreSQL, for 1,000 sessions and second:",
        _traffic(measured),
        "Each operation on a database that holds so many live sessions, ms from outside / ms of its CPU:",
        _costs(measured),
        "So that many sessions need:",
        _needs(measured, worker_cpu_ms),
    ]


def _traffic(measured: Measured) -> str:
    found = measured.rates
    rows = [
        ["Redis: commands", f"{found.redis_commands:,.0f}"],
        ["Redis: bytes in", f"{found.redis_bytes_in:,.0f}"],
        ["Redis: bytes out", f"{found.redis_bytes_out:,.0f}"],
        ["Redis: CPU, ms", f"{1000 * found.redis_cpu_s:.1f}"],
        ["database: transactions", f"{found.transactions:,.0f}"],
        ["database: rows written", f"{found.rows_written:,.0f}"],
        ["database: rows read", f"{found.rows_read:,.0f}"],
        ["database: bytes of write-ahead log", f"{found.log_bytes:,.0f}"],
        ["database: CPU, ms", f"{1000 * found.database_cpu_s:.0f}"],
    ]
    return table(["", "a second"], rows)


def _costs(measured: Measured) -> str:
    sizes = sorted(measured.costs)
    often = rates(100_000, measured.profile)
    rows = [
        [name, f"{often[name]:,.0f}" if name in often else ""]
        + ["{:.2f} / {:.2f}".format(*measured.costs[size][name]) for size in sizes]
        for name in measured.costs[sizes[0]]
    ]
    return table(["", "a second at 100,000", *(f"{size:,} live" for size in sizes)], rows)


def _needs(measured: Measured, worker_cpu_ms: float) -> str:
    supply = Supply()
    arguments = measured.profile, measured.costs, measured.rates, worker_cpu_ms, supply
    columns = [needs(scale, *arguments) for scale in SCALES]
    rows = []
    for index, need in enumerate(columns[0]):
        amounts = [f"{column[index].amount:,.2f}" for column in columns]
        full = full_at(index, *arguments)
        there = "any number" if math.isinf(need.supply) else f"{need.supply:g}"
        rows.append([need.resource, *amounts, there, "never" if math.isinf(full) else f"{full:,.0f} sessions"])
    rows.sort(key=lambda row: float("inf") if row[-1] == "never" else float(row[-1].split()[0].replace(",", "")))
    return table(["", *(f"{scale:,}" for scale in SCALES), "there are", "used up at"], rows)
