"""One row of the table: what N workers do."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.client import NEVER, Load, Session
from benchmarks.cluster.exchange import SETTLE_S, Exchange, Plan, exchange
from benchmarks.frames import FRAME_S, TEXT, client_frame, start_message
from benchmarks.measure import latencies_ms

QUIET_SESSIONS_PER_WORKER = 2
QUIET_PER_S = 25.0
AUDIO_SESSIONS = 20
BUSY_SESSIONS = 10
HOOKS_PER_S = 50.0
OUTPUTS_PER_S = 200.0
STARTS = 300
STARTS_AT_ONCE = 32
DRAIN_S = 2.0
SAME, ACROSS = 0, 1
START_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """In ms."""

    p50: float
    p99: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float] | npt.NDArray[np.float64]) -> Spread:
        if len(values) == 0:
            return cls(p50=float("nan"), p99=float("nan"), count=0)
        p50, p99 = np.percentile(values, (50, 99))
        return cls(p50=float(p50), p99=float(p99), count=len(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`across` is None where there is one worker alone. Pairs are (hook, output)."""

    workers: int
    same: tuple[Spread, Spread]
    across: tuple[Spread, Spread] | None
    starts_per_s: float
    audio_alone: Spread
    audio_beside: Spread
    beside: tuple[Spread, Spread]
    lost: int
    refused: int


def measure(ports: Sequence[int], seconds: float) -> Row:
    several = len(ports) > 1
    quiet = [
        asyncio.run(exchange(_quiet(ports, offset, seconds))) for offset in ([SAME, ACROSS] if several else [SAME])
    ]
    audio_alone, lost_alone, _ = _audio(ports, seconds, None)
    offset = ACROSS if several else SAME
    plan = Plan(
        ports=ports,
        offset=offset,
        sessions=BUSY_SESSIONS,
        hooks_per_s=HOOKS_PER_S,
        outputs_per_s=OUTPUTS_PER_S,
        seconds=seconds + SETTLE_S,
    )
    audio_beside, lost_beside, busy = _audio(ports, seconds, plan)
    assert busy is not None
    return Row(
        workers=len(ports),
        same=_spreads(quiet[0]),
        across=_spreads(quiet[1]) if several else None,
        starts_per_s=starts_per_s(ports),
        audio_alone=audio_alone,
        audio_beside=audio_beside,
        beside=_spreads(busy),
        lost=lost_alone + lost_beside,
        refused=sum(result.refused for result in [*quiet, busy]),
    )


def _quiet(ports: Sequence[int], offset: int, seconds: float) -> Plan:
    return Plan(
        ports=ports,
        offset=offset,
        sessions=QUIET_SESSIONS_PER_WORKER * len(ports),
        hooks_per_s=QUIET_PER_S,
        outputs_per_s=QUIET_PER_S,
        seconds=seconds,
    )


def _spreads(result: Exchange) -> tuple[Spread, Spread]:
    return Spread.of(result.hook_ms), Spread.of(result.output_ms)


def _audio(ports: Sequence[int], seconds: float, plan: Plan | None) -> tuple[Spread, int, Exchange | None]:
    """The echo's latency on the first worker while another process carries out the plan; how many frames were lost."""
    load = Load(ports[0], AUDIO_SESSIONS, media_format=True)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            load.wait(SETTLE_S)
            traffic: Future[Exchange] | None = None
            if plan is not None:
                pool.submit(os.getpid).result()  # it takes a while to start
                traffic = pool.submit(_carry_out, plan)
            gc.collect()
            gc.disable()
            load.run(round(2 * SETTLE_S / FRAME_S))
            first = len(load.sent_at)
            load.run(round(seconds / FRAME_S))
            load.drain(DRAIN_S)
            spread = Spread.of(latencies_ms(load, first))
            lost = load.answered_at[first:].count(NEVER)
            return spread, lost, None if traffic is None else traffic.result()
        finally:
            gc.enable()
            load.close()


def _carry_out(plan: Plan) -> Exchange:
    return asyncio.run(exchange(plan))


def starts_per_s(ports: Sequence[int]) -> float:
    """How many sessions start in a second, from the connect to `started`, when many come at once."""
    sessions: list[Session] = []

    def start(index: int) -> None:
        session = Session(ports[index % len(ports)])
        sessions.append(session)
        session.socket.settimeout(START_TIMEOUT_S)
        session.send(client_frame(TEXT, start_message(os.urandom(8).hex(), media_format=True)))
        answer = session.unread
        while b'"started"' not in answer:
            received = session.socket.recv(65536)
            if not received:
                raise ConnectionError(f"not started: {answer!r}")
            answer += received

    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        began = time.perf_counter()
        try:
            list(pool.map(start, range(STARTS)))
            return STARTS / (time.perf_counter() - began)
        finally:
            for session in sessions:
                session.close()
