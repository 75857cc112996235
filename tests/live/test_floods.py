"""A client that sends as many frames as it can has its own calls to lose, and nobody else's."""

import asyncio
import contextlib
import json
import time

import pytest

from tests.fuzz.frames import BINARY, PONG, TEXT, frame, upgrade
from tests.live.client import open_client

pytestmark = pytest.mark.live

FORMAT = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
PINGS = 40
FLOOD_S = 4.0
ROUND_TRIP_S = 0.2
FLOODS = {
    "tiny": frame(BINARY, b"\xff") * 2_000,
    "empty": frame(BINARY, b"") * 2_000,
    "control": frame(PONG, b"") * 2_000,
}


async def flood(port: int, frames: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(upgrade(b"/sink/websocket/offer"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(TEXT, json.dumps({"event": "start", "websocket_id": "f", "media_format": FORMAT}).encode()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLOOD_S):
                while True:
                    writer.write(frames)
                    await writer.drain()
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_small_frames_holds_up_nobody_else(start_server, kind):
    server = start_server("daphne")
    async with open_client(server.websocket_url("/exact/websocket/offer")) as client:
        await client.start("calm", media_format=FORMAT)
        await client.wait_for_message(event="started")
        flooding = asyncio.create_task(flood(server.port, FLOODS[kind]))
        await asyncio.sleep(0.5)
        took_s = []
        for index in range(PINGS):
            began = time.monotonic()
            await client.send_payload(b"\x80")
            await client.wait_for_audio(index + 1)
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
        await flooding
    assert sorted(took_s)[PINGS * 9 // 10] < ROUND_TRIP_S, took_s
