import numpy as np
import pytest

from rtc.core.audio import decode_mulaw, encode_mulaw, encode_pcm16
from rtc.core.formats import Encoding, MediaFormat
from rtc.core.resampling import Resampler
from rtc.intake import Intake
from tests.core.signals import cut, tones

FRAME = bytes(range(240)) * 2


class Taker:
    """An intake, how often it called, and which rates it measured."""

    def __init__(self, media_format=None, handler_rate=24000, limit_s=1.0):
        self.arrived = 0
        self.rates = []
        self.intake = Intake(media_format, handler_rate, limit_s, arrived=self.count, rate_measured=self.rates.append)

    def count(self):
        self.arrived += 1

    def frames(self):
        return list(iter(self.intake.get, None))

    def samples(self):
        return np.concatenate([samples[0] for _, samples in self.frames()])


def declared(rate=24000, encoding=Encoding.MULAW):
    return MediaFormat(sample_rate=rate, encoding=encoding)


def test_a_frame_is_int16_with_one_row():
    taker = Taker(declared())
    taker.intake.put(FRAME, 0.0)
    ((rate, samples),) = taker.frames()
    assert (rate, samples.dtype, samples.shape) == (24000, np.int16, (1, 480))
    assert np.array_equal(samples[0], decode_mulaw(FRAME))
    assert taker.intake.get() is None


def test_each_payload_is_announced():
    taker = Taker(declared())
    for _ in range(5):
        taker.intake.put(FRAME, 0.0)
    assert (taker.arrived, len(taker.intake), taker.intake.frames_in) == (5, 5, 5)
    assert taker.rates == []


def test_pcm():
    taker = Taker(declared(encoding=Encoding.PCM_S16LE))
    samples = tones(24000, 0.1, (440.0,))
    taker.intake.put(encode_pcm16(samples), 0.0)
    assert np.array_equal(taker.samples(), samples)


def test_a_full_queue_drops_the_oldest_and_counts_it():
    taker = Taker(declared(), limit_s=0.1)
    for value in range(20):
        taker.intake.put(bytes([value]) * 480, 0.0)
    assert [decode_mulaw(bytes([value]))[0] for value in range(15, 20)] == [
        samples[0, 0] for _, samples in taker.frames()
    ]
    assert (taker.intake.frames_in, taker.intake.frames_dropped, taker.arrived) == (20, 15, 5)


def test_the_newest_is_kept_however_long():
    taker = Taker(declared(), limit_s=0.1)
    taker.intake.put(FRAME, 0.0)
    taker.intake.put(bytes(48000), 0.0)
    assert taker.samples().size == 48000
    assert taker.intake.frames_dropped == 1


def test_room_comes_back():
    taker = Taker(declared(), limit_s=0.1)
    for _ in range(100):
        taker.intake.put(FRAME, 0.0)
        assert len(taker.frames()) == 1
    assert taker.intake.frames_dropped == 0


@pytest.mark.parametrize(("source", "target"), [(8000, 48000), (44100, 24000), (48000, 16000)])
def test_resampling_keeps_its_state_between_frames(source, target):
    taker = Taker(declared(source, Encoding.PCM_S16LE), handler_rate=target, limit_s=10)
    audio = tones(source, 1.0, (440.0, 1000.0))
    for piece in cut(audio, [441, 100, 7]):
        taker.intake.put(encode_pcm16(piece), 0.0)
    assert np.array_equal(taker.samples(), Resampler(source, target).process(audio))


@pytest.mark.parametrize("rate", [24000, 44100, 48000])
def test_a_client_that_declares_no_rate_is_measured_and_loses_nothing(rate):
    taker = Taker(handler_rate=48000, limit_s=5)
    audio = tones(rate, 2.0, (440.0, 1000.0))
    now = 100.0
    for piece in cut(audio, [2048]):
        now += piece.size / rate
        taker.intake.put(encode_mulaw(piece), now)
        if not taker.rates:
            assert taker.intake.get() is None and taker.arrived == 0
    assert taker.rates == [rate]
    assert taker.arrived == taker.intake.frames_in
    expected = Resampler(rate, 48000).process(decode_mulaw(encode_mulaw(audio)))
    assert np.array_equal(taker.samples(), expected)


def test_a_script_that_plays_a_file_is_taken_at_the_handlers_rate():
    taker = Taker(handler_rate=16000, limit_s=60)
    for count in range(100):
        taker.intake.put(bytes(2048), count * 0.001)
    assert taker.rates == [16000]
    assert taker.samples().size == 100 * 2048


def test_measuring_ends_when_it_must():
    taker = Taker(handler_rate=48000)
    taker.intake.put(FRAME, 0.0)
    taker.intake.settle()
    taker.intake.settle()
    assert (taker.rates, taker.arrived) == ([48000], 1)
    assert taker.samples().size == 480


def test_what_a_thread_took_first_is_not_dropped():
    taker = Taker(declared(), limit_s=0.02)
    taker.intake.put(FRAME, 0.0)
    taker.intake._payloads.clear()  # as if a thread had been faster
    assert taker.intake.get() is None
    assert taker.intake._drop_oldest() is False


def test_empty_payloads_are_passed_over():
    taker = Taker(declared())
    taker.intake.put(b"", 0.0)
    taker.intake.put(FRAME, 0.0)
    assert len(taker.frames()) == 1
