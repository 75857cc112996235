import asyncio
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc.convert import (
    MP3_SAMPLE_RATES,
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_bytes,
    audio_to_file,
    audio_to_float32,
    audio_to_int16,
    create_message,
    wait_for_item,
)

VERSION_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
BIT_RATES_KBPS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def mp3_frames(payload: bytes):
    """(sample rate, channels, samples) of each layer III frame; fails on anything between them."""
    position, frames = 0, []
    while position < len(payload):
        sync, flags, rates, mode = payload[position : position + 4]
        assert sync == 0xFF
        assert flags & 0xE6 == 0xE2
        version = flags >> 3 & 3
        sample_rate = VERSION_RATES[version][rates >> 2 & 3]
        bit_rate = BIT_RATES_KBPS[3 if version == 3 else 2][rates >> 4] * 1000
        samples = 1152 if version == 3 else 576
        frames.append((sample_rate, 1 if mode >> 6 == 3 else 2, samples))
        position += samples // 8 * bit_rate // sample_rate + (rates >> 1 & 1)
    return frames


def tone(sample_rate, dtype=np.float32):
    samples = (np.sin(np.arange(sample_rate) * 2 * np.pi * 440 / sample_rate) * 0.5).astype(np.float32)
    return samples if dtype == np.float32 else (samples * 32767).astype(np.int16)


class TestMp3:
    @pytest.mark.parametrize("sample_rate", MP3_SAMPLE_RATES)
    def test_keeps_the_rates_that_mp3_has(self, sample_rate):
        frames = mp3_frames(audio_to_bytes((sample_rate, tone(sample_rate, np.int16))))
        assert {frame[:2] for frame in frames} == {(sample_rate, 1)}
        assert 1.0 <= sum(frame[2] for frame in frames) / sample_rate < 1.4

    @pytest.mark.parametrize(("sample_rate", "mp3_rate"), [(9999, 11025), (37800, 44100), (96000, 48000)])
    def test_resamples_the_others(self, sample_rate, mp3_rate):
        frames = mp3_frames(audio_to_bytes((sample_rate, tone(sample_rate))))
        assert {frame[0] for frame in frames} == {mp3_rate}
        assert 1.0 <= sum(frame[2] for frame in frames) / mp3_rate < 1.2

    def test_every_dtype_and_shape_gives_the_same_bytes(self):
        integers = tone(24000, np.int16)
        floats = ((integers + np.sign(integers) * 0.25) / 32767).astype(np.float32)
        expected = audio_to_bytes((24000, integers))
        for samples in (integers.reshape(1, -1), floats, floats.reshape(1, -1)):
            assert audio_to_bytes((24000, samples)) == expected

    def test_nothing_but_the_encoder_s_padding_for_no_audio(self):
        frames = mp3_frames(audio_to_bytes((24000, np.zeros((1, 0), np.int16))))
        assert sum(frame[2] for frame in frames) < 24000 * 0.2

    def test_refuses_two_channels(self):
        with pytest.raises(ValueError, match="shape"):
            audio_to_bytes((24000, np.zeros((2, 480), np.int16)))

    def test_refuses_other_dtypes(self):
        with pytest.raises(TypeError, match="float64"):
            audio_to_bytes((24000, np.zeros(480)))

    def test_writes_a_file(self):
        audio = (24000, tone(24000))
        path = audio_to_file(audio)
        try:
            assert path.endswith(".mp3")
            with open(path, "rb") as file:
                assert file.read() == audio_to_bytes(audio)
        finally:
            os.unlink(path)


class TestScaling:
    def test_to_float32(self):
        floats = audio_to_float32(np.array([[-32768, 0, 16384]], np.int16))
        assert floats.dtype == np.float32
        assert floats.tolist() == [[-1.0, 0.0, 0.5]]
        assert audio_to_float32(floats) is floats

    def test_to_int16(self):
        integers = audio_to_int16(np.array([[-1.0, 0.0, 2.0]], np.float32))
        assert integers.dtype == np.int16
        assert integers.tolist() == [[-32767, 0, 32767]]
        assert audio_to_int16(integers) is integers

    @pytest.mark.parametrize("convert", [audio_to_float32, audio_to_int16])
    def test_names_the_dtype_it_refuses(self, convert):
        with pytest.raises(TypeError, match="float64"):
            convert(np.zeros(3))

    @pytest.mark.parametrize("convert", [audio_to_float32, audio_to_int16])
    def test_warns_of_a_tuple_where_it_was_passed(self, convert):
        samples = np.array([1, 2], np.int16)
        with pytest.warns(UserWarning, match=convert.__name__) as caught:
            converted = convert((24000, samples))
        assert np.array_equal(converted, convert(samples))
        assert caught[0].filename == __file__


async def each(chunks):
    for chunk in chunks:
        yield chunk


class TestAggregation:
    @given(st.lists(st.binary(max_size=7), max_size=20))
    def test_any_split_gives_the_same_samples(self, chunks):
        payload = b"".join(chunks)
        expected = np.frombuffer(payload[: len(payload) // 2 * 2], "<i2").tolist()
        pieces = list(aggregate_bytes_to_16bit(chunks))
        assert all(piece.shape[0] == 1 and piece.size and piece.dtype == np.int16 for piece in pieces)
        assert [sample for piece in pieces for sample in piece[0].tolist()] == expected

        async def collect():
            return [piece async for piece in async_aggregate_bytes_to_16bit(each(chunks))]

        assert [piece.tolist() for piece in asyncio.run(collect())] == [piece.tolist() for piece in pieces]

    def test_samples_leave_with_the_chunk_that_completes_them(self):
        pieces = aggregate_bytes_to_16bit(iter([b"\x01\x00\x02", b"", b"\x00\x03"]))
        assert [piece.tolist() for piece in pieces] == [[[1]], [[2]]]


class TestWaitForItem:
    def test_gives_the_next_item(self):
        async def scenario():
            queue = asyncio.Queue()
            queue.put_nowait("a")
            queue.put_nowait("b")
            return [await wait_for_item(queue), await wait_for_item(queue, timeout=0), queue.qsize()]

        assert asyncio.run(scenario()) == ["a", "b", 0]

    def test_gives_none_when_there_is_none_and_loses_nothing(self):
        async def scenario():
            queue = asyncio.Queue()
            nothing = await wait_for_item(queue, timeout=0.001)
            queue.put_nowait("late")
            return nothing, await wait_for_item(queue)

        assert asyncio.run(scenario()) == (None, "late")

    def test_waits_for_what_comes_in_time(self):
        async def scenario():
            queue = asyncio.Queue()
            item, _ = await asyncio.gather(wait_for_item(queue, timeout=30), queue.put("item"))
            return item

        assert asyncio.run(scenario()) == "item"


def test_messages_are_json():
    assert json.loads(create_message("log", "pause_detected")) == {"type": "log", "data": "pause_detected"}
    assert json.loads(create_message("send_input", [])) == {"type": "send_input", "data": []}


@pytest.mark.parametrize("kind", ["error", "warning"])
def test_errors_and_warnings_say_it_under_both_names(kind):
    assert json.loads(create_message(kind, "no")) == {"type": kind, "data": "no", "message": "no"}


def test_needs_no_configured_django():
    code = "import rtc.convert; from django.conf import settings; assert not settings.configured"
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
