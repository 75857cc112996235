"""Many clients race for few places, at two server processes on one database."""

import asyncio
import os
import random
import secrets
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.live.client import VoiceClient, open_client
from tests.live.race_streams import PLACES
from tests.live.records import session_rows

pytestmark = pytest.mark.live

CLIENTS = 200
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
PATH = "/ten/websocket/offer"
SETTINGS = "tests.live.race_settings"
ANSWER_S = 60.0
OPEN_TRIES = 3
DECLARED = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}


@pytest.fixture
def servers(start_server):
    first = start_server("daphne", settings=SETTINGS)
    return first, start_server("daphne", settings=SETTINGS, beside=first)


class Racer:
    """One client. `started_s` and `left_s` are its own clock's."""

    def __init__(self, client: VoiceClient) -> None:
        self.client = client
        self.session_id = secrets.token_hex(8)
        self.started_s: float | None = None
        self.left_s: float | None = None

    async def start(self) -> bool:
        """True when it got a place. Raises: AssertionError for any refusal but for lack of room."""
        await self.client.start(self.session_id, media_format=DECLARED)
        await self.client.wait_until(lambda: self.client.messages or self.client.closed, ANSWER_S)
        assert self.client.messages, f"closed with {self.client.socket.close_code} and no word"
        answer = self.client.messages[0].value
        if answer.get("event") == "started":
            self.started_s = self.client.messages[0].time_s
            return True
        assert answer == {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": PLACES}}
        assert await self.client.wait_closed() == 4429
        return False

    async def stop(self) -> None:
        self.left_s = time.monotonic()
        await self.client.stop()
        assert await self.client.wait_closed(ANSWER_S) == 1000

    async def vanish(self) -> None:
        self.left_s = time.monotonic()
        self.client.socket.transport.abort()


async def connect(stack: AsyncExitStack, servers, count: int) -> list[Racer]:
    urls = [server.websocket_url(PATH) for server in servers]
    return await asyncio.gather(*(open_racer(stack, urls[index % len(urls)]) for index in range(count)))


async def open_racer(stack: AsyncExitStack, url: str) -> Racer:
    """A racer whose socket is known to work: after clients have vanished, Daphne drops a new connection in some
    thousand, without a word.
    """
    for _ in range(OPEN_TRIES):
        client = await stack.enter_async_context(open_client(url, open_timeout=ANSWER_S))
        await client.send({"event": "ping"})
        await client.wait_until(lambda client=client: client.messages or client.closed, ANSWER_S)
        if client.messages:
            client.messages.clear()
            return Racer(client)
    raise AssertionError("the server drops every connection")


def live(database: Path) -> int:
    return sum(row["state"] != "ended" for row in session_rows(database))


async def until_live(database: Path, count: int) -> None:
    async with asyncio.timeout(ANSWER_S):
        while live(database) != count:
            await asyncio.sleep(0.02)


def most_at_once(intervals: list[tuple]) -> int:
    """Of intervals `(from, to)`; one that ends when another begins does not meet it."""
    steps = sorted([(end, -1) for _, end in intervals] + [(start, 1) for start, _ in intervals])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def recorded(database: Path) -> list[tuple[str, str]]:
    return [(row["started_at"], row["ended_at"]) for row in session_rows(database)]


@pytest.mark.parametrize("leave", ["stop", "vanish", "either"])
async def test_never_more_and_never_fewer_than_the_limit(servers, leave):
    """All start at once and those who get a place keep it until everyone has been answered."""
    database = servers[0].database
    for _ in range(ROUNDS):
        async with AsyncExitStack() as stack:
            racers = await connect(stack, servers, CLIENTS)
            admitted = await asyncio.gather(*(racer.start() for racer in racers))
            winners = [racer for racer, is_in in zip(racers, admitted, strict=True) if is_in]
            assert len(winners) == PLACES
            assert live(database) == PLACES
            for racer in winners:
                way = random.choice(["stop", "vanish"]) if leave == "either" else leave
                await getattr(racer, way)()
            await until_live(database, 0)
    assert most_at_once(recorded(database)) == PLACES
    assert len(recorded(database)) == PLACES * ROUNDS


async def test_places_that_change_hands_under_load(servers):
    """Whoever gets a place leaves it soon; a tenth vanishes without waiting for the answer, and no place leaks."""
    database = servers[0].database
    for _ in range(ROUNDS):
        async with AsyncExitStack() as stack:
            racers = await connect(stack, servers, CLIENTS)

            async def race(index: int, racer: Racer) -> None:
                await asyncio.sleep(random.random())
                if index % 10 == 0:
                    await racer.client.start(racer.session_id, media_format=DECLARED)
                    await racer.vanish()
                elif await racer.start():
                    await asyncio.sleep(random.random() / 10)
                    await (racer.vanish if index % 2 else racer.stop)()

            await asyncio.gather(*(race(index, racer) for index, racer in enumerate(racers)))
            await until_live(database, 0)
            heard = [(racer.started_s, racer.left_s) for racer in racers if racer.started_s is not None]
            assert len(heard) >= PLACES
            assert most_at_once(heard) <= PLACES
    assert most_at_once(recorded(database)) <= PLACES
    async with AsyncExitStack() as stack:
        racers = await connect(stack, servers, PLACES + 1)
        admitted = [await racer.start() for racer in racers]
        assert admitted == [True] * PLACES + [False]
