import asyncio
import logging
import random
from dataclasses import dataclass

import psutil
import pytest

from tests.live.client import open_client
from tests.live.output_sessions import COUNTING, DECLARED, FRAME, new_id, numbered, run_session
from tests.live.readers import Reader
from tests.live.records import stored_outputs

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.live


@pytest.fixture
def server(output_server):
    return output_server


async def test_a_burst_of_a_thousand_arrives_whole(server, http):
    session_id = new_id()
    readers = [Reader(http, session_id) for _ in range(2)]
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    await run_session(server, session_id, count=1000)
    await asyncio.gather(*reading)
    for reader in readers:
        assert reader.values == numbered(1000)
        assert reader.ended


async def test_twenty_sessions_and_forty_readers_that_come_and_go(server, http):
    dice = random.Random(20)
    ids = [new_id() for _ in range(20)]

    async def restless(reader: Reader) -> Reader:
        await asyncio.sleep(dice.uniform(0, 1.5))
        while not reader.ended:
            await reader.read(dice.choice([1, 3, 10, 25, None]))
            if dice.random() < 0.2:
                await asyncio.sleep(dice.uniform(0, 0.3))
        return reader

    sessions = [run_session(server, id, count=50, pause_s=0.04, seed=seed) for seed, id in enumerate(ids)]
    readers = [restless(Reader(http, session_id)) for session_id in ids * 2]
    *_, found = await asyncio.gather(asyncio.gather(*sessions), asyncio.gather(*readers))
    stored = stored_outputs(server.database)
    for reader in found:
        assert reader.values == numbered(50)
        assert [event.data for event in reader.events[:-1]] == stored[reader.session_id]
        assert await reader.read() == 204


async def test_audio_goes_on_beside_outputs(server, http):
    reader = Reader(http, session_id := new_id())
    async with open_client(server.websocket_url("/live-echo/websocket/offer")) as client:
        await client.start(session_id, media_format=DECLARED)
        await client.wait_for_message(event="started")
        await client.send_audio(FRAME * 50, 480, 0.02)
        await client.wait_for_audio(50 * 480)
        await client.stop()
        await client.wait_closed()
    await reader.read()
    assert reader.values == [{"samples": 480}] * 50


MOST_THREADS = 8


async def test_two_hundred_readers_cost_no_threads(server, http):
    process = psutil.Process(server.pid)
    assert (await http.get("/")).status_code == 200
    before = Cost.of(process)
    session_id = new_id()
    readers = [Reader(http, session_id) for _ in range(200)]
    async with open_client(server.websocket_url(COUNTING)) as client:
        await client.start(session_id, media_format=DECLARED, params={"count": 50, "pause_s": 0.04, "wait": True})
        await client.wait_for_message(event="started")
        reading = [asyncio.create_task(reader.read(50)) for reader in readers]
        await asyncio.gather(*(reader.opened.wait() for reader in readers))
        cost = await Cost.added(process, before)
        await client.send_payload(FRAME)
        await client.wait_for_message(type="fetch_output")
        assert (await http.get("/")).status_code == 200
        assert not any(task.done() for task in reading)  # the page did not wait for what they read
        await asyncio.gather(*reading)
    assert all(reader.values == numbered(50) for reader in readers)
    logger.info("200 readers: %s", cost)
    assert cost.threads <= MOST_THREADS
    assert cost.connections <= 8
    assert cost.memory_bytes < 60 << 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a process; `connections` are to its database. They are counted by their logs: SQLite keeps the file itself
    open for the next connection while there is any.
    """

    threads: int
    connections: int
    memory_bytes: int

    @classmethod
    def of(cls, process: psutil.Process) -> "Cost":
        connections = sum(file.path.endswith("-wal") for file in process.open_files())
        return cls(process.num_threads(), connections, process.memory_info().rss)

    @classmethod
    async def added(cls, process: psutil.Process, before: "Cost") -> "Cost":
        """Once the threads of the requests have ended, or not within 3 s."""
        for _ in range(30):
            cost = cls.of(process) - before
            if cost.threads <= MOST_THREADS:
                break
            await asyncio.sleep(0.1)
        return cost

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(
            self.threads - other.threads,
            self.connections - other.connections,
            self.memory_bytes - other.memory_bytes,
        )
