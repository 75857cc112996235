"""What many sessions need: measured on a few, and on a database that holds many; where it runs out first."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster.counters import Counters, count
from benchmarks.cluster.exchange import Plan, calling, exchange
from benchmarks.cluster.model import Costs, Profile
from benchmarks.cluster.workers import SETTINGS, on_cores, server_cores, workers
from benchmarks.servers import migrate
from benchmarks.targets import ROOT
from tests.postgres.server import PostgresServer

MEASURED_SESSIONS = 200
WORKERS = 2
SETTLE_S = 5.0
SIZES = (1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`rates` are per second for 1,000 sessions; `costs` by how many live sessions the database holds."""

    profile: Profile
    sessions: int
    rates: Counters
    costs: dict[int, Costs]


def measure_capacity(
    folder: Path, redis_url: str, seconds: float, sessions: int = MEASURED_SESSIONS, sizes: Sequence[int] = SIZES
) -> Measured:
    profile = Profile()
    with on_cores(server_cores()):
        postgres = PostgresServer().__enter__()
    try:
        os.environ["DATABASE_URL"] = postgres.url()
        migrate(folder, SETTINGS)
        with workers(WORKERS, folder) as servers:
            ports = [server.port for server in servers]
            rates = _rates(ports, profile, sessions, seconds, redis_url, postgres)
        command = [sys.executable, "-m", "benchmarks.cluster.operations", *map(str, sizes)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        del os.environ["DATABASE_URL"]
        postgres.__exit__()
    costs = {int(size): found for size, found in json.loads(done.stdout).items()}
    return Measured(profile=profile, sessions=sessions, rates=rates, costs=costs)


def _rates(
    ports: Sequence[int], profile: Profile, sessions: int, seconds: float, redis_url: str, postgres: PostgresServer
) -> Counters:
    plan = Plan(
        ports=ports,
        offset=1,
        sessions=sessions,
        hooks_per_s=profile.hooks_per_s * sessions,
        outputs_per_s=profile.outputs_per_s * sessions,
        seconds=seconds + 2 * SETTLE_S,
    )
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        traffic = pool.submit(_carry_out, plan, profile)
        time.sleep(2 * SETTLE_S)  # all have started, which is not what is measured
        before = count(redis_url, postgres.url(), postgres.pid)
        time.sleep(seconds)
        after = count(redis_url, postgres.url(), postgres.pid)
        traffic.result()
    return after.rates(before, per=sessions / 1000)


def _carry_out(plan: Plan, profile: Profile) -> None:
    asyncio.run(_with_turnover(plan, profile))


async def _with_turnover(plan: Plan, profile: Profile) -> None:
    """Beside the sessions that last, as many begin and end as when each lasted as long as the profile says."""
    turnover = asyncio.create_task(_turn_over(plan, profile))
    await exchange(plan)
    turnover.cancel()
    await asyncio.wait([turnover])


async def _turn_over(plan: Plan, profile: Profile) -> None:
    every_s = profile.call_s / plan.sessions
    while True:
        async with calling(plan.ports[0], secrets.token_hex(8), 0.0):
            await asyncio.sleep(every_s)
