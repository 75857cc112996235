"""The simulation on paper: linear in what was measured, so that its assumptions can be seen and changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.cluster.counters import Counters

Costs = dict[str, list[float]]
"""By operation: ms from outside, and ms of the database's CPU."""

LEASE_S = 1.0
HEARTBEAT_S = 5.0
SESSIONS_PER_WORKER = 100
CONNECTIONS_PER_WORKER = 5
"""The records' thread, the heartbeat's, the readers', the look-ups', and one for the requests of the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one session does: a conversation with a transcript, watched by one reader on another worker."""

    outputs_per_s: float = 0.5
    hooks_per_s: float = 0.1
    call_s: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What there is of each resource, in one installation that is not rare."""

    redis_cores: float = 1.0  # it runs commands on one
    database_cores: float = 32.0
    connections: float = 2_000.0
    worker_cores: float = math.inf  # add machines


class Need(NamedTuple):
    """Of one resource, with so many sessions."""

    resource: str
    amount: float
    supply: float
    unit: str

    @property
    def share(self) -> float:
        return self.amount / self.supply


def rates(sessions: float, profile: Profile) -> dict[str, float]:
    """How often each operation on the database happens, in a second. Outputs are counted one by one: under load a
    worker stores many at once, which costs less.
    """
    workers = sessions / SESSIONS_PER_WORKER
    turnover = sessions / profile.call_s
    return {
        "start": turnover,
        "end": turnover,
        "lease": workers / LEASE_S,
        "heartbeat": workers / HEARTBEAT_S,
        "store an output": sessions * profile.outputs_per_s,
        "read an output": sessions * profile.outputs_per_s,
        "find a session": sessions * profile.hooks_per_s + turnover,
    }


def at(sessions: float, costs: dict[int, Costs], operation: str, column: int) -> float:
    """The cost with so many sessions on record: between what was measured on a straight line, beyond it on the last."""
    points = sorted((size, found[operation][column]) for size, found in costs.items())
    if len(points) == 1:
        return points[0][1]
    for (low, low_cost), (high, high_cost) in zip(points, points[1:], strict=False):
        if sessions <= high or high == points[-1][0]:
            slope = (high_cost - low_cost) / (high - low)
            return max(0.0, low_cost + slope * (sessions - low))
    raise AssertionError("can't happen: the last pair takes all that is left")


def operations_cpu_s(sessions: float, profile: Profile, costs: dict[int, Costs]) -> float:
    """CPU of the database for the operations of one second."""
    return sum(count * at(sessions, costs, name, 1) for name, count in rates(sessions, profile).items()) / 1000


def needs(
    sessions: float,
    profile: Profile,
    costs: dict[int, Costs],
    measured: Counters,
    worker_cpu_ms: float,
    supply: Supply,
) -> list[Need]:
    """Args:
    measured: rates for 1,000 sessions.
    worker_cpu_ms: CPU of a worker for each session and second.
    """
    often = rates(sessions, profile)
    # There is more to them than the operations, such as opening a connection for each request; that grows as they do.
    growth = operations_cpu_s(sessions, profile, costs) / operations_cpu_s(1_000, profile, costs)
    # Under a limit one start at a time counts the live sessions and starts: the lock is held that long.
    lock = often["start"] * at(sessions, costs, "start under a limit", 0) / 1000
    workers = sessions / SESSIONS_PER_WORKER
    return [
        Need("starts under a limit, one at a time", lock, 1.0, "of one"),
        Need("connections to the database", workers * CONNECTIONS_PER_WORKER, supply.connections, ""),
        Need("cores of the database", measured.database_cpu_s * growth, supply.database_cores, ""),
        Need("cores of Redis", measured.redis_cpu_s * sessions / 1000, supply.redis_cores, ""),
        Need("cores of workers", worker_cpu_ms * sessions / 1000, supply.worker_cores, ""),
    ]


def full_at(resource: int, *args: object) -> float:
    """With how many sessions a resource is used up, to a percent; infinite if never below a thousand million."""
    low, high = 1.0, 1e9
    if needs(high, *args)[resource].share < 1:  # type: ignore[arg-type]
        return math.inf
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        if needs(middle, *args)[resource].share < 1:  # type: ignore[arg-type]
            low = middle
        else:
            high = middle
    return low
