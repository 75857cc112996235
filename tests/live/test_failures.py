"""Workers that die, are told to stop, or freeze under load, and what callers notice of it."""

import asyncio
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.live import databases
from tests.live.apps import end_told
from tests.live.audio import talking
from tests.live.client import open_client
from tests.live.cluster import DECLARED, WORKERS, Cluster, new_id, until
from tests.live.readers import Reader
from tests.live.servers import Server
from tests.live.talkers import post

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.live

LAST = WORKERS - 1
STOP_S = 10.0
TELL_S = 3.0
"""How soon readers hear of an end that is on record."""


def ends_told(cluster: Cluster, session_ids: list[str], reason: str) -> Counter[int]:
    """How often the project was told of each one's end: the number of sessions by that."""
    log = cluster.log()
    return Counter(log.count(end_told(session_id, reason)) for session_id in session_ids)


async def refusal(cluster: Cluster, index: int, alias: str) -> tuple[str, int] | None:
    """The reason and close code with which that worker refuses a new session; None if it starts one."""
    async with open_client(cluster.servers[index].websocket_url(f"/{alias}/websocket/offer")) as client:
        await client.start(new_id(), media_format=DECLARED)
        await client.wait_until(lambda: client.closed or any("event" in message.value for message in client.messages))
        return (client.messages[-1].value["data"]["reason"], client.socket.close_code) if client.closed else None


@pytest.fixture
def doomed(cluster) -> Iterator[Server]:
    """The last worker; there is another afterwards."""
    yield cluster.servers[LAST]
    cluster.servers[LAST].kill()
    cluster.replace(LAST)


async def test_sessions_of_a_killed_worker_end_once_and_the_others_miss_nothing(cluster, doomed, scale):
    lost_s, places = scale.setting("RTC_WORKER_LOST_S"), scale.setting("RTC_CONCURRENCY_LIMIT")
    async with cluster.http(0) as http, talking(cluster.ports, places, lost_s + 4.0) as callers:
        victims = callers.ids[LAST::WORKERS]
        others = [session_id for session_id in callers.ids if session_id not in victims]
        await until(lambda: len(cluster.rows(callers.ids)) == places, 10)
        assert await refusal(cluster, 0, "default") == ("server_limit_reached", 4429)
        readers = [Reader(http, session_id) for session_id in victims]
        reading = [asyncio.create_task(reader.read()) for reader in readers]
        await asyncio.gather(*(reader.answered.wait() for reader in readers))
        doomed.kill()
        took_s = await until(lambda: cluster.all_ended(victims), lost_s + 5.0)
        logger.info("sessions of the killed worker ended after %.1f s", took_s)
        assert took_s < 20.0
        await asyncio.wait_for(asyncio.gather(*reading), TELL_S)
        assert [reader.events[-1].value for reader in readers] == [{"reason": "worker_lost"}] * len(victims)
        async with AsyncExitStack() as stack:
            for index in range(len(victims)):
                await stack.enter_async_context(cluster.call(index % LAST, new_id(), "default"))
            assert await refusal(cluster, 0, "default") == ("server_limit_reached", 4429)
    callers.assert_heard(others)
    assert {row["end_reason"] for row in cluster.rows(victims)} == {"worker_lost"}
    assert ends_told(cluster, victims, "worker_lost") == {1: len(victims)}


# A worker is told to stop ------------------------------------------------------------------------------------------


async def test_a_worker_that_is_told_to_stop_cuts_nobody_short_and_takes_nobody_on(cluster, doomed, scale):
    drain_s = scale.setting("RTC_DRAIN_S")
    ids = [new_id() for _ in range(5)]
    async with cluster.http(LAST) as http, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(cluster.call(LAST, session_id)) for session_id in ids]
        assert (await http.get("/readyz")).status_code == 200
        os.kill(doomed.pid, signal.SIGTERM)
        asked_at = time.monotonic()
        await clients[0].stop()
        assert await clients[0].wait_closed() == 1000
        while time.monotonic() < asked_at + drain_s - 0.5:
            assert await refusal(cluster, LAST, "busy") == ("draining", 4503)
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/healthz")).status_code == 200
            assert not any(client.closed for client in clients[1:])
            await asyncio.sleep(drain_s / 10)
        for client in clients[1:]:
            assert await client.wait_closed(5.0) == 4503
            assert client.messages[-1].value == {"type": "end", "data": {"reason": "draining"}}
    assert await asyncio.to_thread(doomed.wait, STOP_S) == 0
    ended = {row["session_id"]: (row["state"], row["end_reason"]) for row in cluster.rows(ids)}
    assert ended == {ids[0]: ("ended", "client_stop")} | {id: ("ended", "draining") for id in ids[1:]}


async def test_it_stops_as_soon_as_its_sessions_have(cluster, doomed, scale):
    async with cluster.call(LAST, new_id()) as client:
        os.kill(doomed.pid, signal.SIGTERM)
        asked_at = time.monotonic()
        await client.stop()
        await client.wait_closed()
        assert await asyncio.to_thread(doomed.wait, STOP_S) == 0
    assert time.monotonic() - asked_at < scale.setting("RTC_DRAIN_S")


@pytest.mark.parametrize("after_s", [pytest.param(0.0, marks=pytest.mark.long), 0.3])
async def test_sigterm_right_after_an_upgrade_leaves_no_session_behind(cluster, doomed, scale, after_s):
    """Within a second of one, Daphne's own shutdown fails."""
    session_id = new_id()
    silent = doomed.websocket_url("/busy/websocket/offer")
    async with cluster.call(LAST, session_id), open_client(silent):
        await asyncio.sleep(after_s)
        os.kill(doomed.pid, signal.SIGTERM)
        await until(lambda: cluster.all_ended([session_id]), scale.setting("RTC_DRAIN_S") + 5.0)
    await asyncio.to_thread(doomed.wait, STOP_S)


# A worker freezes --------------------------------------------------------------------------------------------------


async def freeze(server: Server) -> None:
    """Not in the middle of a write: then SQLite's lock would be frozen with it, and no worker could write any more."""
    stop(server)
    while databases.is_locked(server.database):
        os.kill(server.pid, signal.SIGCONT)
        await asyncio.sleep(0.1)
        stop(server)


def stop(server: Server) -> None:
    """Returns when all of its threads stand still; each stops when it has its turn."""
    os.kill(server.pid, signal.SIGSTOP)
    while not all(map(is_stopped, Path(f"/proc/{server.pid}/task").iterdir())):
        time.sleep(0.001)


def is_stopped(thread: Path) -> bool:
    """Or gone. See proc_pid_stat(5)."""
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "T"


async def test_a_frozen_workers_sessions_end_once_and_it_does_not_bring_them_back(cluster, doomed, scale):
    ids = [new_id() for _ in range(5)]
    async with cluster.http(0) as http, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(cluster.call(LAST, session_id)) for session_id in ids]
        reader = Reader(http, ids[0])
        reading = asyncio.create_task(reader.read())
        await freeze(doomed)
        frozen_at = time.monotonic()
        try:
            took_s = await until(lambda: cluster.all_ended(ids), 20.0)
            logger.info("sessions of the frozen worker ended after %.1f s", took_s)
            await asyncio.wait_for(reading, TELL_S)
            assert await post(http, ids[0], "too late") == 410
            await asyncio.sleep(frozen_at + scale.frozen_s - time.monotonic())
        finally:
            os.kill(doomed.pid, signal.SIGCONT)
        before = cluster.rows(ids)
        for client in clients:
            assert await client.wait_closed() == 4503
            assert client.messages[-1].value["data"]["reason"] == "worker_lost"
        assert reader.events[-1].value == {"reason": "worker_lost"}
        async with cluster.call(LAST, new_id()), cluster.http(LAST) as own:
            assert await post(own, ids[0], "too late") == 410
        assert cluster.rows(ids) == before
    assert ends_told(cluster, ids, "worker_lost") == {1: len(ids)}
