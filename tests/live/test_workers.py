"""A server process is killed; another on the same database ends its sessions."""

import asyncio
import secrets

import pytest

from tests.live.client import open_client
from tests.live.records import ended_row, session_rows

pytestmark = pytest.mark.live

SETTINGS = "tests.live.lost_settings"
EXACT = "/exact/websocket/offer"
DECLARED = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
LOST_S = 1.5


async def test_sessions_of_a_killed_server_are_ended_by_another(start_server):
    first = start_server("daphne", settings=SETTINGS)
    second = start_server("daphne", settings=SETTINGS, beside=first)
    ids = [secrets.token_hex(8) for _ in range(5)]

    async with open_client(second.websocket_url(EXACT)) as survivor:
        await survivor.start("survivor", media_format=DECLARED)
        await survivor.wait_for_message(event="started")
        clients = [open_client(first.websocket_url(EXACT)) for _ in ids]
        for client, session_id in zip([await client.__aenter__() for client in clients], ids, strict=True):
            await client.start(session_id, media_format=DECLARED)
            await client.wait_for_message(event="started")
        first.kill()
        for client in clients:
            await client.__aexit__(None, None, None)
        for session_id in ids:
            row = await ended_row(first.database, session_id)
            assert (row["end_reason"], row["close_code"]) == ("worker_lost", None)
        await survivor.send_audio(bytes([1]) * 480, 480)
        assert await survivor.wait_for_audio(480) == bytes([1]) * 480
        await survivor.stop()
        await survivor.wait_closed()
    assert (await ended_row(first.database, "survivor"))["end_reason"] == "client_stop"


async def test_the_next_server_to_start_ends_what_the_last_left_and_its_ids_are_free(start_server):
    first = start_server("daphne", settings=SETTINGS)
    async with open_client(first.websocket_url("/single/websocket/offer")) as client:
        await client.start("again", media_format=DECLARED)
        await client.wait_for_message(event="started")
        first.kill()
    await asyncio.sleep(LOST_S)
    assert [row["ended_at"] for row in session_rows(first.database)] == [None]
    second = start_server("daphne", settings=SETTINGS, beside=first)
    async with open_client(second.websocket_url("/single/websocket/offer")) as client:
        await client.start("again", media_format=DECLARED)
        await client.wait_for_message(event="started")
        rows = session_rows(first.database)
        assert [row["end_reason"] for row in rows] == ["worker_lost", ""]
        assert rows[0]["state"] == "ended" != rows[1]["state"]
