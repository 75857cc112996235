"""Turns over real sockets: several callers at once, of both kinds, in real time."""

import asyncio
import secrets

import pytest

from rtc.core.audio import encode_mulaw, encode_pcm16
from tests.live.client import open_client
from tests.live.records import ended_row, session_rows
from tests.voices import QUESTION, conversation

pytestmark = pytest.mark.live

URL = "/turns/websocket/offer"
RATE = 24000
FRAME = RATE // 50
INTERRUPTION = "No, wait, I meant something else."
SENT_S = 0.1
"""What may still come after a `clear`: it was under way."""


async def talk(server, declares):
    """Asks, hears the answer for a while, and interrupts it."""
    session_id = secrets.token_hex(8)
    audio, [_, (interrupts_s, _)] = conversation(0.4, QUESTION, 1.4, INTERRUPTION, 0.3, rate=RATE)
    media_format = {"encoding": "pcm_s16le", "sample_rate": RATE, "framing": "binary"}
    encode = encode_pcm16 if declares else encode_mulaw
    frame_bytes = 2 * FRAME if declares else FRAME
    async with open_client(server.websocket_url(URL)) as client:
        await client.start(session_id, **({"media_format": media_format} if declares else {}))
        began = asyncio.get_running_loop().time()
        await client.send_audio(encode(audio), frame_bytes, 0.02)
        clear = await client.wait_for_message(event="clear")
        (cleared,) = [arrival.time_s for arrival in client.messages if arrival.value == clear]
        late = [arrival for arrival in client.audio if arrival.time_s > cleared + SENT_S]
        logs = [arrival.value["data"] for arrival in client.messages if arrival.value.get("type") == "log"]
        await client.stop()
        await client.wait_closed()
    assert not late and client.audio
    assert [text for text in logs if "rate" not in text][:4] == [
        "started_talking",
        "pause_detected",
        "response_starting",
        "started_talking",
    ]
    assert cleared - began > interrupts_s
    return session_id


async def test_callers_are_answered_and_interrupt(uvicorn_server):
    server = uvicorn_server
    ids = await asyncio.gather(*(talk(server, declares) for declares in (True, False, True, False)))
    for session_id in ids:
        row = await ended_row(server.database, session_id)
        query = f"SELECT kind, text FROM rtc_timelineentry WHERE session_id = {row['id']} ORDER BY id"
        (turn,) = [entry["text"] for entry in session_rows(server.database, query) if entry["kind"] == "turn"]
        assert turn.startswith("said ") and turn.endswith("interrupted")
        (output,) = session_rows(server.database, f"SELECT payload FROM rtc_output WHERE session_id = {row['id']}")
        assert "said_s" in output["payload"]
