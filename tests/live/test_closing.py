import asyncio
import base64
import json
import os
import secrets
import signal
import socket
import time

import pytest

from tests.live.client import VoiceClient, open_client
from tests.live.records import ended_row, session_rows

pytestmark = pytest.mark.live

FORMAT = {"encoding": "mulaw", "sample_rate": 24000, "framing": "json"}
EXACT = "/exact/websocket/offer"
DECLARED = {"encoding": "mulaw", "sample_rate": 24000, "framing": "json"}
BINARY = {**DECLARED, "framing": "binary"}
MAX_AUDIO_BYTES = 64 * 1024
ERROR_LIMIT = 20
SLOW_READER_S = 1.5
"""Daphne's own default is to reset a client that has not answered its close frame within a second."""
TCP_ESTABLISHED = 1
SHUTDOWN_S = 1.0
DAPHNE_UPGRADE_S = 1.2
"""For about a second after each upgrade Daphne has no application to cancel, and dies instead."""


def new_id() -> str:
    return secrets.token_hex(8)


def tcp_state(client: VoiceClient) -> int:
    """Linux's, from the first byte of `struct tcp_info`."""
    raw_socket = client.socket.transport.get_extra_info("socket")
    return raw_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


async def closed_with(client: VoiceClient, close_code: int, reason: str) -> None:
    assert await client.wait_closed() == close_code
    end = client.messages[-1].value
    assert (end["type"], end["data"]["reason"]) == ("end", reason)


async def test_stop_closes_with_1000(server):
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.start(session_id := new_id(), media_format=FORMAT)
        await client.wait_for_message(event="started")
        await client.stop()
        await closed_with(client, 1000, "client_stop")
    row = await ended_row(server.database, session_id)
    assert (row["end_reason"], row["close_code"]) == ("client_stop", 1000)


async def test_a_client_that_is_slow_to_read_is_told_why_it_was_closed(server):
    async with open_client(server.websocket_url("/broken/websocket/offer")) as client:
        await client.start(session_id := new_id(), media_format=DECLARED, params={"callback": "receive"})
        await client.wait_for_message(event="started")
        client.socket.transport.pause_reading()
        await client.send_audio(bytes([255]) * 480, 480)
        await ended_row(server.database, session_id)
        await asyncio.sleep(SLOW_READER_S)
        assert tcp_state(client) == TCP_ESTABLISHED
        client.socket.transport.resume_reading()
        await closed_with(client, 4500, "handler_failed")


async def test_too_many_errors_close_with_4400(server):
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.start(new_id())
        for _ in range(ERROR_LIMIT + 1):
            await client.socket.send("no JSON")
        await closed_with(client, 4400, "too_many_errors")
        assert [a.value["code"] for a in client.messages[:-1]] == ["bad_json"] * (ERROR_LIMIT + 1)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
async def test_a_foreign_origin_is_closed_with_4403(server, origin):
    async with open_client(server.websocket_url(EXACT), origin=origin) as client:
        await client.start(session_id := new_id())
        await closed_with(client, 4403, "origin_not_allowed")
        assert client.messages[0].value == {"status": "failed", "meta": {"error": "origin_not_allowed"}}
    assert session_id not in {row["session_id"] for row in session_rows(server.database)}


async def test_the_servers_own_origin_is_let_in(server):
    async with open_client(server.websocket_url(EXACT), origin=server.http_url("")) as client:
        await client.start(new_id(), media_format=DECLARED)
        await client.wait_for_message(event="started")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/unknown/websocket/offer", "no_such_stream"),
        ("/", "not_found"),
        ("/websocket/offer/", "not_found"),
        ("/a/b/c", "not_found"),
        ("/%00%ff/websocket/offer", "not_found"),
        ("/caf%C3%A9%20%3Cb%3E/websocket/offer", "not_found"),
    ],
)
async def test_an_unknown_address_is_closed_with_4404(server, path, reason):
    async with open_client(server.websocket_url(path)) as client:
        await closed_with(client, 4404, reason)
        assert client.messages[0].value["code"] == reason


async def test_a_silent_client_is_closed_with_4408(server):
    """Before `start` after RTC_START_TIMEOUT_S, here 3 s; after it after the stream's `idle_timeout`, here 1 s."""

    async def never_starts() -> None:
        async with open_client(server.websocket_url(EXACT)) as client:
            await closed_with(client, 4408, "no_start")

    async def falls_silent() -> None:
        async with open_client(server.websocket_url("/quiet/websocket/offer")) as client:
            began = time.monotonic()
            await client.start(new_id())
            for _ in range(4):
                await asyncio.sleep(0.25)
                await client.send({"event": "ping"})
            await closed_with(client, 4408, "idle")
            assert time.monotonic() - began > 1.9

    await asyncio.gather(never_starts(), falls_silent())


async def test_the_time_limit_ends_a_session_with_1000(server):
    async with open_client(server.websocket_url("/brief/websocket/offer")) as client:
        began = time.monotonic()
        await client.start(new_id(), media_format=DECLARED)
        await client.send_audio(bytes([255]) * 4800, 480)
        await closed_with(client, 1000, "time_limit")
        assert time.monotonic() - began > 0.95


async def test_a_live_id_is_refused_with_4409_and_its_session_goes_on(server):
    session_id = new_id()
    async with open_client(server.websocket_url(EXACT)) as first:
        await first.start(session_id, media_format=DECLARED)
        await first.wait_for_message(event="started")
        for path in (EXACT, "/websocket/offer"):
            async with open_client(server.websocket_url(path)) as second:
                await second.start(session_id, media_format=DECLARED)
                await closed_with(second, 4409, "connection_already_exists")
                failed = {"status": "failed", "meta": {"error": "connection_already_exists"}}
                assert second.messages[0].value == failed
        await first.send_audio(bytes([1]) * 480, 480)
        assert await first.wait_for_audio(480) == bytes([1]) * 480
        await first.stop()
        await first.wait_closed()
    await ended_row(server.database, session_id)
    async with open_client(server.websocket_url(EXACT)) as again:
        await again.start(session_id, media_format=DECLARED)
        await again.wait_for_message(event="started")


@pytest.mark.parametrize("kind", ["json", "long text", "binary"])
async def test_too_much_audio_in_a_frame_closes_with_4413(server, kind):
    media_format = BINARY if kind == "binary" else DECLARED
    audio = bytes(MAX_AUDIO_BYTES + 1)
    message = {"event": "media", "media": {"payload": base64.b64encode(audio).decode()}}
    frame = {
        "json": json.dumps(message),
        "long text": "x" * 900_000,
        "binary": audio,
    }[kind]
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.start(new_id(), media_format=media_format)
        await client.wait_for_message(event="started")
        await client.send_payload(audio[:MAX_AUDIO_BYTES])
        await client.send({"event": "ping"})
        await client.wait_for_message(event="pong")
        await client.socket.send(frame)
        await closed_with(client, 4413, "too_big")


async def test_too_much_audio_before_start_closes_with_4413(server):
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.socket.send(bytes(MAX_AUDIO_BYTES + 1))
        await closed_with(client, 4413, "too_big")


async def test_the_concurrency_limit_refuses_with_4429_until_there_is_room(server):
    url = server.websocket_url("/single/websocket/offer")
    session_id = new_id()
    async with open_client(url) as first:
        await first.start(session_id, media_format=DECLARED)
        await first.wait_for_message(event="started")
        async with open_client(url) as second:
            await second.start(new_id())
            await closed_with(second, 4429, "concurrency_limit_reached")
            meta = {"error": "concurrency_limit_reached", "limit": 1}
            assert second.messages[0].value == {"status": "failed", "meta": meta}
    await ended_row(server.database, session_id)
    async with open_client(url) as third:
        await third.start(new_id(), media_format=DECLARED)
        await third.wait_for_message(event="started")


@pytest.mark.parametrize("callback", ["start_up", "receive", "emit"])
async def test_a_handler_that_fails_closes_with_4500(server, callback):
    async with open_client(server.websocket_url("/broken/websocket/offer")) as client:
        session_id = new_id()
        await client.start(session_id, media_format=DECLARED, params={"callback": callback})
        await client.send_audio(bytes([255]) * 480, 480)
        await closed_with(client, 4500, "handler_failed")
        error = client.messages[-2].value
        assert (error["type"], error["code"]) == ("error", "handler_failed")
    assert f"session {session_id}: the handler failed in {callback}(): KeyError: 'a secret'" in server.log()
    assert (await ended_row(server.database, session_id))["close_code"] == 4500


async def test_a_webrtc_error_tells_the_client_its_message(server):
    async with open_client(server.websocket_url("/broken/websocket/offer")) as client:
        await client.start(new_id(), params={"callback": "emit", "message": "No more today."})
        await closed_with(client, 4500, "handler_failed")
        error = client.messages[-2].value
        assert (error["data"], error["message"]) == ("No more today.", "No more today.")


async def test_sigterm_tells_every_client_of_daphne_within_a_second(start_server):
    server = start_server("daphne")
    ids = [new_id() for _ in range(5)]

    async def talk(session_id: str) -> tuple[float, int | None, dict]:
        async with open_client(server.websocket_url(EXACT)) as client:
            await client.start(session_id, media_format=DECLARED)
            await client.wait_for_message(event="started")
            audio = client.send_audio(bytes([255]) * 480 * 500, 480, 0.02)
            talking = asyncio.create_task(audio)
            code = await client.wait_closed()
            closed_s = time.monotonic()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            return closed_s, code, client.messages[-1].value

    talks = [asyncio.create_task(talk(session_id)) for session_id in ids]
    await asyncio.sleep(DAPHNE_UPGRADE_S)
    assert all(row["state"] == "active" for row in session_rows(server.database))
    os.kill(server.pid, signal.SIGTERM)
    sent_s = time.monotonic()
    for closed_s, code, last in await asyncio.gather(*talks):
        assert closed_s - sent_s < SHUTDOWN_S
        assert (code, last) == (4503, {"type": "end", "data": {"reason": "draining"}})
    for session_id in ids:
        assert (await ended_row(server.database, session_id))["end_reason"] == "draining"
