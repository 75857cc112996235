"""Two workers, one session space: what reaches a session on one of them through the other."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.live.client import open_client
from tests.live.readers import Reader
from tests.live.records import ended_row, session_rows
from tests.live.redis_server import RedisServer
from tests.live.servers import ROOT, Server

pytestmark = pytest.mark.live

SETTINGS = "tests.live.across_settings"
MULAW = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
OK = (200, {"status": "ok"})


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def pair(tmp_path_factory, migrated_database, redis):
    """Two workers of different kinds, that share a database and Redis."""
    options = {"settings": SETTINGS, "variables": {"REDIS_URL": redis.url}}
    first = Server("daphne", tmp_path_factory.mktemp("first"), migrated_database, **options)
    second = Server("uvicorn", tmp_path_factory.mktemp("second"), migrated_database, beside=first, **options)
    with first, second:
        yield first, second


def browser_of(server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.http_url(""), timeout=20, trust_env=False)


async def post(http, session_id, **more):
    body = json.dumps({"webrtc_id": session_id, **more})
    response = await http.post("/input_hook", content=body, headers={"Content-Type": "application/json"})
    return response.status_code, response.json()


@asynccontextmanager
async def calling(server, stream="answering"):
    session_id = secrets.token_hex(8)
    async with open_client(server.websocket_url(f"/{stream}/websocket/offer")) as client:
        await client.start(session_id, media_format=MULAW)
        await client.wait_for_message(event="started")
        yield client, session_id


@pytest.mark.parametrize("order", [0, 1], ids=["to daphne", "to uvicorn"])
async def test_inputs_and_outputs_cross(pair, order):
    owner, other = pair if order == 0 else reversed(pair)
    async with calling(owner) as (client, session_id), browser_of(other) as http:
        reader = Reader(http, session_id)
        reading = asyncio.create_task(reader.read())
        await asyncio.wait_for(reader.opened.wait(), 5)
        for number in range(20):
            assert await post(http, session_id, inputs=[number]) == OK
        await client.stop()
        await asyncio.wait_for(reading, 5)
        assert reader.values == ["hello", *([number] for number in range(20))]
        assert reader.ended
        assert (await post(http, session_id, inputs=[0]))[0] == 410


async def test_a_reader_on_another_worker_is_told_of_the_start(pair):
    owner, other = pair
    async with browser_of(other) as http:
        session_id = secrets.token_hex(8)
        reader = Reader(http, session_id)
        reading = asyncio.create_task(reader.read(1))
        await asyncio.wait_for(reader.answered.wait(), 5)
        async with open_client(owner.websocket_url("/answering/websocket/offer")) as client:
            await client.start(session_id, media_format=MULAW)
            await asyncio.wait_for(reading, 5)
        assert reader.values == ["hello"]


async def test_a_long_input_goes_through_the_database_once(pair):
    owner, other = pair
    async with calling(owner, "echo") as (client, session_id), browser_of(other) as http:
        assert await post(http, session_id, inputs=["x" * 500_000, "\ud800é\0"]) == OK
        took = await client.wait_until(lambda: [m.value["took"] for m in client.messages if "took" in m.value])
        assert took == [[500_002, 20]]
        (count,) = session_rows(owner.database, "SELECT count(*) AS parcels FROM rtc_parcel")
        assert count["parcels"] == 0


async def test_the_owner_checks_the_form_and_its_answer_comes_back(pair):
    owner, other = pair
    async with calling(owner, "form") as (_, session_id), browser_of(other) as here, browser_of(owner) as there:
        assert await post(here, session_id, city="Paris", day="2030-01-02") == OK
        status, answer = await post(here, session_id, city="", day="tomorrow")
        assert (status, answer["error"]) == (400, "invalid_inputs")
        assert (status, answer) == await post(there, session_id, city="", day="tomorrow")


async def test_hanging_up_crosses(pair):
    """From a process that serves nothing."""
    owner, _ = pair
    async with calling(owner) as (client, session_id):
        (row,) = [row for row in session_rows(owner.database) if row["session_id"] == session_id]
        code = f"from rtc.mailbox import clear, hang_up; print(clear([{row['id']}]), hang_up([{row['id']}, 0], 'Bye.'))"
        script = asyncio.create_task(asyncio.to_thread(run_script, owner, code))
        await client.wait_for_message(event="clear")
        assert await client.wait_closed() == 1000
        assert client.messages[-1].value == {"type": "end", "data": {"reason": "hung_up", "message": "Bye."}}
        assert await script == f"{ {row['id']} } { {row['id']} }"
    assert (await ended_row(owner.database, session_id))["end_reason"] == "hung_up"


def run_script(server, code) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
        cwd=ROOT,
        env=server.environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


async def test_an_owner_that_does_not_answer_and_one_that_is_gone(pair):
    owner, other = pair
    async with calling(owner) as (client, session_id), browser_of(other) as http:
        os.kill(owner.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            status, answer = await post(http, session_id, inputs=[1])
        finally:
            os.kill(owner.pid, signal.SIGCONT)
        assert (status, answer["error"]) == (504, "no_answer")
        assert 1.9 < time.monotonic() - began < 3.5
        assert await post(http, session_id, inputs=[2]) == OK


async def test_redis_goes_and_comes_back(pair, redis):
    owner, other = pair
    async with calling(owner) as (client, session_id), browser_of(other) as http, browser_of(owner) as local:
        reader = Reader(http, session_id)
        reading = asyncio.create_task(reader.read())
        await asyncio.wait_for(reader.opened.wait(), 5)
        redis.stop()
        status, answer = await post(http, session_id, inputs=["lost"])
        assert (status, answer["error"]) == (503, "worker_unreachable")
        assert await post(local, session_id, inputs=["local"]) == OK
        async with calling(other):
            pass  # a session starts without it
        redis.start()
        back_at = time.monotonic()
        while (await post(http, session_id, inputs=["across"]))[0] != 200:
            assert time.monotonic() - back_at < 3.0
        await client.stop()
        await asyncio.wait_for(reading, 5)
        assert reader.values[1:] == [["local"], ["across"]]
