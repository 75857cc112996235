"""`/input_hook` of real servers: large bodies beside live audio, and what a server adds to the rules of the view."""

import asyncio
import json
import logging
import secrets
import time

import httpx
import numpy as np
import pytest

from rtc.input_views import MAX_CONTAINERS
from tests.live.client import open_client
from tests.live.servers import Server

pytestmark = pytest.mark.live
logger = logging.getLogger(__name__)

SETTINGS = "tests.live.hook_settings"
ECHO = "/echo/websocket/offer"
MULAW = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
FRAME_BYTES = 480
FRAME_S = 0.02
LIMIT_BYTES = 2 * 1024 * 1024
AUDIO_S = 2.5
PAUSE_S = 0.25  # between two large bodies


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def hook_server(request, tmp_path_factory, migrated_database):
    with Server(request.param, tmp_path_factory.mktemp("hook"), migrated_database, SETTINGS) as server:
        yield server


def new_id() -> str:
    return secrets.token_hex(8)


def chat_of(size: int, session_id: str) -> bytes:
    """A body of that many bytes: a chat history."""
    turns = [{"role": "user", "content": "word " * 100}] * ((size - 200) // 540)
    body = json.dumps({"webrtc_id": session_id, "inputs": [turns, ""]}).encode()
    return body[:-3] + b"x" * (size - len(body)) + body[-3:]


def worst_of(session_id: str) -> bytes:
    """A body of the most arrays that are taken, with as many numbers in them."""
    return f'{{"webrtc_id":"{session_id}","inputs":[[{"[1e-9]," * (MAX_CONTAINERS - 4)}1]]}}'.encode()


def browser_of(server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.http_url(""), timeout=10)


async def post(http, body: bytes) -> httpx.Response:
    return await http.post("/input_hook", content=body, headers={"Content-Type": "application/json"})


async def test_the_limit_on_a_real_server(hook_server):
    session_id = new_id()
    async with open_client(hook_server.websocket_url(ECHO)) as client, browser_of(hook_server) as http:
        await client.start(session_id, media_format=MULAW)
        await client.wait_for_message(event="started")
        body = chat_of(LIMIT_BYTES, session_id)
        assert len(body) == LIMIT_BYTES
        assert (await post(http, body)).json() == {"status": "ok"}
        took = await client.wait_until(lambda: [m.value["took"] for m in client.messages if "took" in m.value])
        assert sum(took[0]) > LIMIT_BYTES * 0.99
        for size in (LIMIT_BYTES + 1, 3_000_000, 20_000_000):
            response = await post(http, chat_of(size, session_id))
            assert (response.status_code, response.json()["error"]) == (413, "too_big")

        async def piecemeal():
            for start in range(0, LIMIT_BYTES + 1, 65_536):
                yield body[start : start + 65_536] + (b" " if start == 0 else b"")

        # No Content-Length.
        assert (await post(http, piecemeal())).status_code == 413
        assert (await post(http, chat_of(1_000, session_id))).status_code == 200


@pytest.mark.parametrize("kind", ["chat", "worst"])
async def test_audio_goes_on_beside_large_inputs(hook_server, kind):
    """Each frame comes back, and each input is taken."""
    session_id = new_id()
    body = chat_of(LIMIT_BYTES, session_id) if kind == "chat" else worst_of(session_id)
    took_s = []

    async def keep_posting(http):
        while True:
            began = time.monotonic()
            assert (await post(http, body)).status_code == 200
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)

    async with open_client(hook_server.websocket_url(ECHO)) as client, browser_of(hook_server) as http:
        await client.start(session_id, media_format=MULAW)
        await client.wait_for_message(event="started")
        posting = asyncio.create_task(keep_posting(http))
        delays_s = await delays_of(client, AUDIO_S)
        assert not posting.done(), posting.exception()
        posting.cancel()
        await asyncio.wait([posting])

    logger.info(
        "%s, %s: %d posts, p99 %.0f ms", hook_server.kind, kind, len(took_s), 1000 * np.percentile(delays_s, 99)
    )
    assert len(took_s) >= 3


async def delays_of(client, duration_s: float) -> np.ndarray:
    """Send that much audio in real time; gives how long each frame took to come back, in seconds."""
    sent = []
    first = len(client.audio)
    began = time.monotonic()
    for index in range(round(duration_s / FRAME_S)):
        await asyncio.sleep(began + index * FRAME_S - time.monotonic())
        sent.append(time.monotonic())
        await client.send_payload(bytes([0x80 + index % 64]) * FRAME_BYTES)
    await client.wait_until(lambda: len(client.audio) - first >= len(sent))
    return np.array([arrival.time_s for arrival in client.audio[first:]]) - np.array(sent)


async def test_a_session_is_gone_from_the_hook_once_its_client_has_left(hook_server):
    session_id = new_id()
    async with browser_of(hook_server) as http:
        async with open_client(hook_server.websocket_url(ECHO)) as client:
            await client.start(session_id, media_format=MULAW)
            await client.wait_for_message(event="started")
            assert (await post(http, chat_of(1_000, session_id))).status_code == 200
            await client.stop()
            await client.wait_closed()
            assert (await post(http, chat_of(1_000, session_id))).status_code == 410
        assert (await post(http, chat_of(1_000, new_id()))).status_code == 404


async def test_a_session_of_a_killed_server_is_on_another_worker(start_server, tmp_path):
    """Until it is taken for lost."""
    first = start_server("daphne", settings=SETTINGS)
    session_id = new_id()
    async with open_client(first.websocket_url(ECHO)) as client:
        await client.start(session_id, media_format=MULAW)
        await client.wait_for_message(event="started")
        first.kill()
    with Server("daphne", tmp_path, first.database, SETTINGS) as second:
        async with browser_of(second) as http:
            response = await post(http, chat_of(1_000, session_id))
            assert (response.status_code, response.json()["error"]) == (503, "worker_unreachable")
