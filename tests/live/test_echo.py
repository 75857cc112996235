import asyncio
import secrets

import numpy as np
import pytest

from rtc.core.audio import decode_mulaw, decode_pcm16, encode_mulaw, encode_pcm16
from tests.live.client import open_client
from tests.live.records import ended_row
from tests.live.streams import Busy
from tests.live.tones import frequency_of, sine, sine_snr_db

pytestmark = pytest.mark.live

NEGATIVE_ZERO = b"\x7f"
POSITIVE_ZERO = b"\xff"
EVERY_CODE = bytes(range(256))
TONE_HZ = 440.0
PUBLISHED_MESSAGE_SAMPLES = 2048
PUBLISHED_OUTPUT_RATE = 24000


def new_id() -> str:
    return secrets.token_hex(8)


def declared(sample_rate: int, encoding: str = "mulaw", framing: str = "json") -> dict:
    return {"encoding": encoding, "sample_rate": sample_rate, "framing": framing}


async def echo(server, path: str, audio: bytes, frame_bytes: int, media_format: dict, expected_bytes: int) -> bytes:
    async with open_client(server.websocket_url(path)) as client:
        await client.start(new_id(), media_format=media_format)
        started = await client.wait_for_message(event="started")
        assert started["media_format"] == started["output"] == media_format
        await client.send_audio(audio, frame_bytes)
        return await client.wait_for_audio(expected_bytes)


@pytest.mark.parametrize("framing", ["json", "binary"])
async def test_mulaw_at_equal_rates_comes_back_byte_for_byte(server, framing):
    codes = np.random.default_rng(1).permutation(np.frombuffer(EVERY_CODE * 60, np.uint8)).tobytes()
    audio = EVERY_CODE + codes
    # 0x7F, negative zero, decodes to 0, and 0 encodes to 0xFF: linear samples have one zero.
    expected = audio.replace(NEGATIVE_ZERO, POSITIVE_ZERO)

    heard = await asyncio.gather(
        *(
            echo(server, "/exact/websocket/offer", audio, size, declared(24000, framing=framing), len(audio))
            for size in (480, 2048)
        )
    )

    assert NEGATIVE_ZERO in audio and NEGATIVE_ZERO not in heard[0]
    assert heard == [expected, expected]


@pytest.mark.parametrize("framing", ["json", "binary"])
async def test_pcm_at_equal_rates_comes_back_byte_for_byte(server, framing):
    audio = encode_pcm16(np.random.default_rng(2).integers(-32768, 32768, 20_000).astype(np.int16))
    media_format = declared(24000, "pcm_s16le", framing)
    assert await echo(server, "/exact/websocket/offer", audio, 960, media_format, len(audio)) == audio


async def test_a_frame_leaves_before_what_the_loop_does_next(server):
    async with open_client(server.websocket_url("/busy/websocket/offer")) as client:
        await client.start(new_id(), media_format=declared(24000))
        await client.wait_for_audio(2 * 480)
        first, second = (arrival.time_s for arrival in client.audio)
        assert second - first > Busy.BUSY_S / 2


async def test_the_pitch_is_kept_at_every_declared_rate(server):
    """The handlers run at 24000 and 16000 Hz, so most of these are resampled on the way in and on the way back."""
    await asyncio.gather(
        *(
            pitch_is_kept(server, path, rate, encoding)
            for path in ("/exact/websocket/offer", "/exact-16000/websocket/offer")
            for rate in (8000, 16000, 44100, 48000)
            for encoding in ("mulaw", "pcm_s16le")
        )
    )


async def pitch_is_kept(server, path: str, rate: int, encoding: str) -> None:
    encode, decode, bytes_per_sample, least_snr_db = {
        "mulaw": (encode_mulaw, decode_mulaw, 1, 30),
        "pcm_s16le": (encode_pcm16, decode_pcm16, 2, 60),
    }[encoding]
    samples = sine(TONE_HZ, 1.2, rate)
    frame_bytes = rate // 50 * bytes_per_sample
    expected_bytes = rate * bytes_per_sample  # the last of the 1.2 s may still be in the resamplers

    heard = decode(await echo(server, path, encode(samples), frame_bytes, declared(rate, encoding), expected_bytes))

    middle = heard[rate // 20 : rate]
    assert frequency_of(middle, rate) == pytest.approx(TONE_HZ, rel=0.005)
    assert sine_snr_db(middle, TONE_HZ, rate) > least_snr_db, (path, rate, encoding)


async def test_the_rate_of_an_undeclared_client_is_found(server):
    await asyncio.gather(*(undeclared_pitch_is_kept(server, rate) for rate in (24000, 44100, 48000)))


async def undeclared_pitch_is_kept(server, rate: int) -> None:
    """As the published client: 2048 samples a message, in real time."""
    session_id = new_id()
    async with open_client(server.websocket_url("/exact-48000/websocket/offer")) as client:
        await client.start(session_id)
        audio = encode_mulaw(sine(TONE_HZ, 3.0, rate))
        await client.send_audio(audio, PUBLISHED_MESSAGE_SAMPLES, PUBLISHED_MESSAGE_SAMPLES / rate)
        await client.wait_for_message(type="log", data=f"input_sample_rate {rate}")
        heard = decode_mulaw(await client.wait_for_audio(round(2.6 * PUBLISHED_OUTPUT_RATE)))
        assert not [a.value for a in client.messages if a.value.get("event") == "started"]

    middle = heard[PUBLISHED_OUTPUT_RATE // 10 : round(2.5 * PUBLISHED_OUTPUT_RATE)]
    assert frequency_of(middle, PUBLISHED_OUTPUT_RATE) == pytest.approx(TONE_HZ, rel=0.005)
    assert sine_snr_db(middle, TONE_HZ, PUBLISHED_OUTPUT_RATE) > 30
    row = await ended_row(server.database, session_id)
    assert (row["sample_rate"], row["rate_declared"], row["frames_dropped"]) == (rate, 0, 0)


async def test_a_file_sent_at_once_by_an_undeclared_client_is_taken_at_the_handlers_rate(server):
    async with open_client(server.websocket_url("/exact-48000/websocket/offer")) as client:
        await client.start(new_id())
        await client.send_audio(encode_mulaw(sine(TONE_HZ, 2.0, 48000)), PUBLISHED_MESSAGE_SAMPLES)
        await client.wait_for_message(type="log", data="input_sample_rate 48000", timeout_s=1.0)
        heard = decode_mulaw(await client.wait_for_audio(PUBLISHED_OUTPUT_RATE))
    assert frequency_of(heard, PUBLISHED_OUTPUT_RATE) == pytest.approx(TONE_HZ, rel=0.005)


async def test_fifty_handlers_that_block_echo_at_once(server):
    samples = np.random.default_rng(3).integers(-30000, 30000, 24000).astype(np.int16)
    audio = encode_mulaw(samples).replace(NEGATIVE_ZERO, POSITIVE_ZERO)

    async def talk() -> bytes:
        async with open_client(server.websocket_url("/blocking/websocket/offer")) as client:
            await client.start(new_id(), media_format=declared(24000, framing="binary"))
            await client.wait_for_message(event="started")
            await client.send_audio(audio, 480, 0.02)
            return await client.wait_for_audio(len(audio))

    assert set(await asyncio.gather(*(talk() for _ in range(50)))) == {audio}


async def test_ping_is_answered_before_start_and_after(server):
    async with open_client(server.websocket_url("/exact/websocket/offer")) as client:
        await client.send({"event": "ping"})
        await client.wait_for_message(event="pong")
        await client.start(new_id())
        await client.send({"event": "ping"})
        await client.wait_until(lambda: [a.value for a in client.messages] == [{"event": "pong"}] * 2)


async def test_errors_of_the_client_are_answered_and_good_frames_around_them_kept(server):
    audio = encode_mulaw(sine(TONE_HZ, 0.2, 24000))
    async with open_client(server.websocket_url("/exact/websocket/offer")) as client:
        await client.send_payload(b"early")
        await client.start(session_id := new_id(), media_format=declared(24000))
        await client.send_payload(audio[:1000])
        for junk in ("{", '{"event":"dance"}', '{"event":"media","media":{"payload":"?"}}', b"binary"):
            await client.socket.send(junk)
            await client.send_payload(b"")
        await client.start(session_id, media_format=declared(24000))
        await client.send_payload(audio[1000:])
        assert await client.wait_for_audio(len(audio)) == audio
        errors = [a.value for a in client.messages if a.value.get("type") == "error"]
        assert [error["code"] for error in errors] == [
            "not_started",
            "bad_json",
            "unknown_event",
            "bad_base64",
            "unexpected_binary",
            "already_started",
        ]
        assert all(error["data"] == error["message"] != "" for error in errors)
    assert (await ended_row(server.database, session_id))["errors"] == 6
