import asyncio
import secrets

import pytest

from rtc.core.audio import decode_mulaw, encode_mulaw
from tests.live.client import Arrival, open_client
from tests.live.streams import RATE, SPEECH_S, Interruptible, Marking
from tests.live.tones import frequency_of, sine

pytestmark = pytest.mark.live

LEAD_S = 0.2
# The first message may take longer to arrive than a later one, which then looks early by the difference.
ARRIVAL_TOLERANCE_S = 0.06
DECLARED = {"encoding": "mulaw", "sample_rate": RATE, "framing": "binary"}
SPEECH = encode_mulaw(sine(440, SPEECH_S, RATE))


def new_id() -> str:
    return secrets.token_hex(8)


def most_ahead_s(arrivals: list[Arrival[bytes]]) -> float:
    """How much audio a player that started with the first arrival had and had not played yet, at most."""
    received = 0
    ahead_s = 0.0
    for arrival in arrivals:
        received += len(arrival.value)
        ahead_s = max(ahead_s, received / RATE - (arrival.time_s - arrivals[0].time_s))
    return ahead_s


async def test_ten_seconds_in_one_piece_are_never_further_ahead_than_the_lead(server):
    async def listen(frame_samples: int, **fields: dict) -> None:
        async with open_client(server.websocket_url("/speech/websocket/offer")) as client:
            await client.start(new_id(), **fields)
            heard = await client.wait_for_audio(2 * RATE)
            arrivals = list(client.audio)
        assert heard == SPEECH[: len(heard)]
        assert {len(arrival.value) for arrival in arrivals} == {frame_samples}
        assert LEAD_S / 2 < most_ahead_s(arrivals) <= LEAD_S + ARRIVAL_TOLERANCE_S

    await asyncio.gather(listen(480, media_format=DECLARED), listen(4096))


async def test_clear_silences_at_once(server):
    async with open_client(server.websocket_url("/interruptible/websocket/offer")) as client:
        await client.start(new_id(), media_format=DECLARED)
        await client.wait_for_audio(RATE // 2)
        await client.send_audio(bytes([255]) * 480, 480)
        await client.wait_for_message(event="clear")
        cleared_s = next(a.time_s for a in client.messages if a.value == {"event": "clear"})
        before = b"".join(a.value for a in client.audio if a.time_s < cleared_s)
        await client.wait_for_audio(len(before) + RATE // 5)
        after = [a for a in client.audio if a.time_s > cleared_s]

    assert before == encode_mulaw(sine(Interruptible.HIGH_HZ, SPEECH_S, RATE))[: len(before)]
    assert b"".join(a.value for a in after) == encode_mulaw(sine(Interruptible.LOW_HZ, 0.2, RATE))
    # Nothing that was sent before is waited for: the lead is free again.
    assert after[-1].time_s - cleared_s < LEAD_S


async def test_marks_come_behind_their_audio_and_go_back_in_order(server):
    async with open_client(server.websocket_url("/marking/websocket/offer")) as client:
        await client.start(new_id(), media_format=DECLARED)
        for count, name in enumerate(Marking.NAMES, start=1):
            await client.wait_for_message(event="mark", mark={"name": name})
            marked_s = next(a.time_s for a in client.messages if a.value.get("mark") == {"name": name})
            assert sum(len(a.value) for a in client.audio if a.time_s < marked_s) == count * RATE // 10
            await client.send({"event": "mark", "mark": {"name": name}})
        await client.wait_for_message(type="log", data="heard " + ", ".join(Marking.NAMES))


async def test_marks_are_not_sent_to_a_client_that_declared_nothing(server):
    async with open_client(server.websocket_url("/marking/websocket/offer")) as client:
        await client.start(new_id())
        await client.wait_for_audio(3 * RATE // 10)
        assert client.messages == []


async def test_close_stream_plays_out_what_is_queued_and_nothing_after(server):
    async with open_client(server.websocket_url("/goodbye/websocket/offer")) as client:
        await client.start(new_id(), media_format=DECLARED)
        await client.send_audio(bytes([255]) * 960, 960)
        assert await client.wait_closed() == 1000
        assert client.received_audio() == encode_mulaw(sine(440, 0.5, RATE))
        end = client.messages[-1]
        assert end.value == {"type": "end", "data": {"reason": "handler_closed", "message": "goodbye"}}
        assert end.time_s - client.audio[0].time_s > 0.5 - ARRIVAL_TOLERANCE_S


async def test_mode_send_takes_audio_and_sends_none(server):
    async with open_client(server.websocket_url("/sink/websocket/offer")) as client:
        await client.start(new_id(), media_format=DECLARED)
        await client.send_audio(bytes([255]) * RATE, 480)
        await client.wait_for_message(type="log", data=f"heard {RATE}")
        assert client.audio == []


async def test_mode_receive_sends_audio_and_takes_none(server):
    async with open_client(server.websocket_url("/tune/websocket/offer")) as client:
        await client.start(new_id(), media_format=DECLARED)
        await client.send_audio(bytes([0]) * RATE, 480)
        heard = decode_mulaw(await client.wait_for_audio(RATE // 2))
        assert [a.value["event"] for a in client.messages] == ["started"]
    assert frequency_of(heard[: RATE // 2], RATE) == pytest.approx(329.6, rel=0.005)  # the first E


async def test_sessions_on_one_server_do_not_hear_each_other(server):
    tones_hz = [300.0 + 100 * index for index in range(8)]

    async def talk(frequency_hz: float) -> bytes:
        audio = encode_mulaw(sine(frequency_hz, 0.5, RATE))
        async with open_client(server.websocket_url("/exact/websocket/offer")) as client:
            await client.start(new_id(), media_format=DECLARED)
            await client.send_audio(audio, 480)
            return await client.wait_for_audio(len(audio))

    heard = await asyncio.gather(*map(talk, tones_hz))
    assert [frequency_of(decode_mulaw(audio), RATE) for audio in heard] == pytest.approx(tones_hz, rel=0.005)
