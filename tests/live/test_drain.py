"""How a worker stops."""

import asyncio
import os
import secrets
import signal
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.live.client import open_client
from tests.live.databases import locked
from tests.live.readers import Reader
from tests.live.records import ended_row, session_rows

pytestmark = pytest.mark.live

SETTINGS = "tests.live.drain_settings"
EXACT = "/exact/websocket/offer"
DECLARED = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
QUICK_S = 4.0
WITHOUT_DATABASE_S = 15.0
WORKERS = "SELECT * FROM rtc_worker ORDER BY id"


@asynccontextmanager
async def calling(server):
    session_id = secrets.token_hex(8)
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.start(session_id, media_format=DECLARED)
        await client.wait_for_message(event="started")
        yield client, session_id


async def echoes(client):
    count = len(client.received_audio())
    await client.send_audio(bytes([count % 100]) * 480, 480)
    await client.wait_for_audio(count + 480)


async def exited(server, timeout_s=QUICK_S):
    return await asyncio.to_thread(server.wait, timeout_s)


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_sigterm_lets_sessions_go_on_takes_no_more_and_ends_with_the_last(start_server, kind):
    server = start_server(kind, settings=SETTINGS)
    async with calling(server) as (client, session_id):
        os.kill(server.pid, signal.SIGTERM)  # right after an upgrade
        async with httpx.AsyncClient(base_url=server.http_url(""), trust_env=False) as http:
            async with asyncio.timeout(QUICK_S):
                while (ready := await http.get("/readyz")).status_code != 503:
                    pass
            assert ready.json()["draining"] is True
            assert (await http.get("/healthz")).status_code == 200
        async with open_client(server.websocket_url(EXACT)) as late:
            await late.start(secrets.token_hex(8))
            assert await late.wait_closed() == 4503
            assert late.messages[-1].value["data"]["reason"] == "draining"
        await echoes(client)
        await client.stop()
        assert await client.wait_closed() == 1000
        await exited(server)
    assert (await ended_row(server.database, session_id))["end_reason"] == "client_stop"
    (worker,) = session_rows(server.database, WORKERS)
    assert worker["ended_at"] and worker["draining_at"]


@pytest.mark.parametrize(
    ("kind", "number"), [("daphne", signal.SIGTERM), ("uvicorn", signal.SIGINT)], ids=["daphne", "uvicorn"]
)
async def test_a_signal_while_draining_stops_at_once(start_server, kind, number):
    server = start_server(kind, settings=SETTINGS)
    async with calling(server) as (client, session_id):
        os.kill(server.pid, signal.SIGTERM)
        async with httpx.AsyncClient(base_url=server.http_url(""), trust_env=False) as http:
            async with asyncio.timeout(QUICK_S):
                while (await http.get("/readyz")).status_code != 503:
                    pass
        os.kill(server.pid, number)
        await client.wait_closed()
        await exited(server)
    assert (await ended_row(server.database, session_id))["end_reason"] in ("shutting_down", "client_gone")


async def test_sigint_stops_at_once_and_ends_the_workers_row(start_server):
    server = start_server("daphne", settings=SETTINGS)
    async with calling(server):
        os.kill(server.pid, signal.SIGINT)
        await exited(server)
    (worker,) = session_rows(server.database, WORKERS)
    assert worker["ended_at"]
    assert [row["state"] for row in session_rows(server.database)] == ["ended"]


async def test_sigterm_while_the_database_is_locked_takes_no_longer_than_it_may(start_server):
    server = start_server("daphne", settings="tests.live.settings")  # it drains for no time at all
    async with open_client(server.websocket_url("/busy/websocket/offer")) as client:
        await client.start(secrets.token_hex(8), media_format=DECLARED)
        await client.wait_for_message(event="started")
        async with locked(server.database):
            os.kill(server.pid, signal.SIGTERM)
            assert await client.wait_closed() == 4503
            await exited(server, WITHOUT_DATABASE_S)


# Readers, for whom uvicorn waits ------------------------------------------------------------------------------------


async def test_readers_of_sessions_elsewhere_do_not_keep_a_worker_from_stopping(start_server):
    server = start_server("daphne", settings=SETTINGS)
    stopping = start_server("uvicorn", settings=SETTINGS, beside=server)
    async with (
        calling(server) as (client, session_id),
        httpx.AsyncClient(base_url=stopping.http_url(""), trust_env=False, timeout=QUICK_S) as http,
    ):
        reader, early = Reader(http, session_id), Reader(http, secrets.token_hex(8))
        reading = [asyncio.create_task(each.read()) for each in (reader, early)]
        await asyncio.gather(reader.answered.wait(), early.answered.wait())
        os.kill(stopping.pid, signal.SIGTERM)
        await exited(stopping)
        assert await asyncio.gather(*reading) == [200, 200]
        assert reader.events == []  # it comes again, to another worker
        await echoes(client)


async def test_readers_of_its_own_sessions_get_the_end_before_it_stops(start_server):
    server = start_server("uvicorn", settings="tests.live.settings")  # it drains for no time at all
    async with (
        calling(server) as (client, session_id),
        httpx.AsyncClient(base_url=server.http_url(""), trust_env=False) as http,
    ):
        readers = [Reader(http, session_id) for _ in range(20)]
        reading = [asyncio.create_task(reader.read()) for reader in readers]
        await asyncio.gather(*(reader.answered.wait() for reader in readers))
        os.kill(server.pid, signal.SIGTERM)
        await exited(server)
        await asyncio.gather(*reading)
        assert [reader.events[-1].value for reader in readers] == [{"reason": "draining"}] * len(readers)
