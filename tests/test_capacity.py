"""The arithmetic of `benchmarks.cluster.model`."""

import math

import pytest

from benchmarks.cluster.counters import Counters
from benchmarks.cluster.model import Profile, Supply, at, full_at, needs, rates

NAMES = ["start", "start under a limit", "end", "lease", "heartbeat", "store an output", "read an output"]
COSTS = {
    size: {**{name: [1.0, 0.5] for name in [*NAMES, "find a session"]}, "start under a limit": [1.0 + size / 1e4, 0.5]}
    for size in (1_000, 10_000)
}
MEASURED = Counters(
    at_s=1.0,
    redis_commands=700.0,
    redis_bytes_in=1e5,
    redis_bytes_out=1e5,
    redis_cpu_s=0.05,
    transactions=2e3,
    rows_read=1e4,
    rows_written=600.0,
    log_bytes=3e5,
    database_cpu_s=0.8,
)
ARGUMENTS = Profile(), COSTS, MEASURED, 8.0, Supply()


def test_a_cost_lies_on_a_line_between_and_beyond_what_was_measured():
    assert [at(size, COSTS, "start under a limit", 0) for size in (1_000, 5_500, 10_000, 100_000)] == pytest.approx(
        [1.1, 1.55, 2.0, 11.0]
    )
    assert at(1e6, {1_000: COSTS[1_000]}, "lease", 1) == 0.5


def test_rates_follow_from_the_profile():
    found = rates(1_000, Profile(outputs_per_s=0.5, hooks_per_s=0.1, call_s=200))
    assert found == {
        "start": 5.0,
        "end": 5.0,
        "lease": 10.0,
        "heartbeat": 2.0,
        "store an output": 500.0,
        "read an output": 500.0,
        "find a session": 105.0,
    }


def test_what_is_linear_needs_a_hundred_times_as_much_of_a_hundred_times_as_many():
    few, many = needs(1_000, *ARGUMENTS), needs(100_000, *ARGUMENTS)
    for index in range(1, 5):
        assert many[index].amount == pytest.approx(100 * few[index].amount)
    assert many[0].amount > 500 * few[0].amount  # counting all is done for each


def test_a_resource_is_used_up_where_its_share_is_one():
    for index in range(4):
        assert needs(full_at(index, *ARGUMENTS), *ARGUMENTS)[index].share == pytest.approx(1.0, rel=0.03)
    assert full_at(4, *ARGUMENTS) == math.inf
