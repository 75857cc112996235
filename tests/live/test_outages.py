"""Redis or the database goes away under load, and what callers notice of it."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack

import pytest

from benchmarks.frames import FRAME_S
from tests.live import databases
from tests.live.audio import talking
from tests.live.cluster import WORKERS, new_id, until
from tests.live.talkers import Talker, post

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.live

CALLERS = 16
RECOVERY_S = 3.0
FRAME = bytes([1]) * 480


async def test_redis_away_for_a_while_costs_no_audio_and_no_output(cluster, scale):
    talkers = [Talker(cluster, index) for index in range(WORKERS)]
    seconds = 1.5 + scale.away_s + RECOVERY_S + 1.5
    async with talking(cluster.ports, CALLERS, seconds) as callers, AsyncExitStack() as stack:
        for talker in talkers:
            await stack.enter_async_context(talker.talking())
        await asyncio.sleep(1.5)
        going_at = time.monotonic()
        await asyncio.to_thread(cluster.redis.stop)
        gone_at = time.monotonic()
        await asyncio.sleep(scale.away_s)
        back_at = time.monotonic()
        await asyncio.to_thread(cluster.redis.start)
        await asyncio.sleep(RECOVERY_S + 1.0)
        assert not [row for row in cluster.rows(callers.ids) if row["state"] == "ended"]
    callers.assert_heard(callers.ids)
    for talker in talkers:
        assert talker.statuses(0.0, going_at - 0.5) == {200}
        assert talker.statuses(gone_at + 0.2, back_at - 0.2) == {503}
        assert talker.statuses(back_at + RECOVERY_S, float("inf")) == {200}
        talker.assert_nothing_lost()
        again_s = min(asked_at for asked_at, status in talker.posted if status == 200 and asked_at > gone_at) - back_at
        logger.info("inputs were taken again %.2f s after Redis was started", again_s)


async def test_without_redis_calls_go_on_and_start_on_their_own_worker(cluster):
    """Nothing in starting or holding a call needs another worker, so none is refused; what comes in at its own worker
    reaches it as well.
    """
    first, second = new_id(), new_id()
    async with cluster.call(0, first, "exact") as before:
        cluster.redis.stop()
        try:
            newcomer = await asyncio.to_thread(cluster.start_another)
            cluster.servers.append(newcomer)
            async with cluster.call(WORKERS, second) as after, cluster.http(WORKERS) as http:
                await before.send_audio(FRAME * 50, len(FRAME), FRAME_S)
                assert await before.wait_for_audio(50 * len(FRAME)) == FRAME * 50
                assert await post(http, second, "here") == 200
                assert await post(http, first, "there") == 503
                await after.stop()
                assert await after.wait_closed() == 1000
        finally:
            cluster.redis.start()
            cluster.servers.pop().stop()


async def test_a_locked_database_costs_no_audio_and_the_record_catches_up(cluster, scale):
    talker = Talker(cluster, 0)
    leaver = new_id()
    async with (
        talking(cluster.ports, CALLERS, scale.away_s + 4.0) as callers,
        talker.talking(),
        AsyncExitStack() as stack,
    ):
        client = await stack.enter_async_context(cluster.call(1, leaver))
        await until(lambda: len(cluster.rows(callers.ids)) == len(callers.ids), 10)
        async with databases.locked(cluster.database):
            await client.stop()
            await client.wait_closed()
            await asyncio.sleep(scale.away_s)
        await until(lambda: cluster.all_ended([leaver]), RECOVERY_S + 5.0)
        assert not [row for row in cluster.rows(callers.ids) if row["state"] == "ended"]
    callers.assert_heard(callers.ids)
    talker.assert_nothing_lost()
    (row,) = cluster.rows([leaver])
    assert row["end_reason"] == "client_stop"
