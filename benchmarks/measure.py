"""One cell of the table: one target at one N, on a server started for it."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.client import NEVER, Load
from benchmarks.frames import FRAME_S
from benchmarks.servers import Server, busy_s, serving
from benchmarks.targets import Target

WARM_UP_SESSIONS = 2
WARM_UP_S = 1.0
SETTLE_S = 0.4
LONG_CALL_STEP_S = 10.0
IDLE_SETTLE_S = 2.0
DRAIN_S = 2.0

REPEATS = 1
QUIET_OTHERS_SHARE = 0.1
QUIET_CLIENT_LATE_MS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What was seen in one steady window.

    Latencies in ms, from the frame's write to its echo's read. A frame that is not back DRAIN_S after the
    window counts as lost, and in the percentiles as if it had come back at that moment.
    cpu_ms is the server's, for each session and second. memory_kib is for each session.
    client_late_p99_ms and client_cpu_share tell whether the load generator kept up, others_share how much
    of the server's core something else took.
    """

    target: str
    sessions: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    memory_kib: float
    lost: int
    sent: int
    damaged: int
    client_late_p99_ms: float
    client_cpu_share: float
    others_share: float
    other_messages: dict[str, int]

    @property
    def disturbance(self) -> float:
        """Above 1: the machine was too busy with other work."""
        return max(self.others_share / QUIET_OTHERS_SHARE, self.client_late_p99_ms / QUIET_CLIENT_LATE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCell:
    """Sessions that are connected, started and silent."""

    target: str
    sessions: int
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LongCall:
    """Median latency in each LONG_CALL_STEP_S of one call and in all of it: a delay that adds up shows only here."""

    target: str
    sessions: int
    p50_ms: list[float]
    whole_p50_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Each method starts a server of its own for one target, pinned to core.

    seconds is the steady window's length; folder takes the servers' logs and holds the database.
    """

    core: int | None
    folder: Path
    seconds: float

    def talking(self, target: Target, sessions: int) -> Cell:
        """A disturbed measurement is repeated; the quietest counts, whatever it shows."""
        cell = self._talking(target, sessions)
        for _ in range(REPEATS):
            if cell.disturbance <= 1:
                break
            cell = min(cell, self._talking(target, sessions), key=lambda cell: cell.disturbance)
        return cell

    def _talking(self, target: Target, sessions: int) -> Cell:
        with serving(target, self.core, self.folder) as server:
            _warm_up(server, target)
            before_kib = server.resident_kib()
            load = _load(server, target, sessions)
            try:
                return self._steady(server, target, load, before_kib)
            finally:
                gc.enable()
                load.close()

    def _steady(self, server: Server, target: Target, load: Load, before_kib: float) -> Cell:
        sessions = len(load.sessions)
        load.wait(SETTLE_S)
        gc.collect()
        gc.disable()
        load.run(round(WARM_UP_S / FRAME_S))
        first = len(load.sent_at)
        before = self._clocks(server)
        load.run(round(self.seconds / FRAME_S))
        cpu_s, client_s, busy, wall_s = self._clocks(server) - before
        after_kib = server.resident_kib()
        load.drain(DRAIN_S)
        p50, p95, p99 = np.percentile(latencies_ms(load, first), (50, 95, 99))
        return Cell(
            target=target.name,
            sessions=sessions,
            p50_ms=float(p50),
            p95_ms=float(p95),
            p99_ms=float(p99),
            cpu_ms=cpu_s * 1000 / sessions / wall_s,
            memory_kib=(after_kib - before_kib) / sessions,
            lost=load.answered_at[first:].count(NEVER),
            sent=len(load.sent_at) - first,
            damaged=load.damaged,
            client_late_p99_ms=float(np.percentile(load.late_s[first:], 99)) * 1000,
            client_cpu_share=client_s / wall_s,
            others_share=max(0.0, busy - cpu_s) / wall_s,
            other_messages=dict(load.other_messages),
        )

    def _clocks(self, server: Server) -> npt.NDArray[np.float64]:
        now = time.process_time(), busy_s(self.core), time.perf_counter()
        return np.array([server.cpu_s(), *now])

    def idle(self, target: Target, sessions: int) -> IdleCell:
        with serving(target, self.core, self.folder) as server:
            _warm_up(server, target)
            load = _load(server, target, sessions)
            try:
                load.wait(IDLE_SETTLE_S)
                cpu_s, wall_s = server.cpu_s(), time.perf_counter()
                load.wait(self.seconds)
                cpu_s, wall_s = server.cpu_s() - cpu_s, time.perf_counter() - wall_s
            finally:
                load.close()
        return IdleCell(target=target.name, sessions=sessions, cpu_ms=cpu_s * 1000 / sessions / wall_s)

    def long_call(self, target: Target, sessions: int, steps: int) -> LongCall:
        with serving(target, self.core, self.folder) as server:
            _warm_up(server, target)
            load = _load(server, target, sessions)
            try:
                load.wait(SETTLE_S)
                load.run(round(steps * LONG_CALL_STEP_S / FRAME_S))
                load.drain(DRAIN_S)
            finally:
                load.close()
        latencies = latencies_ms(load, 0)
        medians = np.median(latencies.reshape(steps, -1), axis=1).tolist()
        return LongCall(target=target.name, sessions=sessions, p50_ms=medians, whole_p50_ms=float(np.median(latencies)))


def _load(server: Server, target: Target, sessions: int) -> Load:
    return Load(server.port, sessions, media_format=target.media_format, path=target.path)


def _warm_up(server: Server, target: Target) -> None:
    """First imports, caches and specialised bytecode must not count against the first session."""
    load = _load(server, target, WARM_UP_SESSIONS)
    load.wait(SETTLE_S)
    load.run(round(WARM_UP_S / FRAME_S))
    load.drain(DRAIN_S)
    load.close()
    time.sleep(SETTLE_S)


def latencies_ms(load: Load, first: int) -> npt.NDArray[np.float64]:
    sent_at = np.array(load.sent_at[first:])
    answered_at = np.array(load.answered_at[first:])
    answered_at[answered_at == NEVER] = time.perf_counter()
    latencies_ms: npt.NDArray[np.float64] = (answered_at - sent_at) * 1000
    return latencies_ms
