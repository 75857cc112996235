import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc.core.resampling import Resampler
from tests.core.signals import cut, snr_db, tones

RATE_PAIRS = [(48000, 24000), (44100, 48000), (44100, 24000), (24000, 48000), (8000, 48000), (48000, 8000)]
VOICE_HZ = (150.0, 440.0, 1000.0, 2500.0, 3300.0)


def resample(samples, source_rate, target_rate, lengths):
    resampler = Resampler(source_rate, target_rate)
    pieces = [resampler.process(piece) for piece in cut(samples, lengths)]
    return np.concatenate([*pieces, resampler.flush()])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(RATE_PAIRS), st.lists(st.integers(1, 3000), min_size=1, max_size=8))
def test_any_split_gives_the_same_samples(rates, lengths):
    samples = tones(rates[0], 0.3, VOICE_HZ)
    whole = resample(samples, *rates, [samples.size])
    assert np.array_equal(resample(samples, *rates, lengths), whole)


@pytest.mark.parametrize(("source_rate", "target_rate"), RATE_PAIRS)
def test_frames_come_out_without_noise(source_rate, target_rate):
    band_edge_hz = 0.4 * min(source_rate, target_rate)
    tones_hz = (*VOICE_HZ, band_edge_hz)
    frames = resample(tones(source_rate, 2.0, tones_hz), source_rate, target_rate, [source_rate // 50])
    assert frames.dtype == np.int16
    assert frames.size == 2 * target_rate
    steady = frames[target_rate // 4 : -target_rate // 4].astype(np.float64)
    assert snr_db(steady, fitted(steady, target_rate, tones_hz)) > 70


def fitted(samples, sample_rate, tones_hz):
    """The same tones, each at the amplitude and phase that fit `samples` best."""
    angles = 2 * np.pi * np.outer(np.arange(samples.size) / sample_rate, tones_hz)
    waves = np.hstack([np.sin(angles), np.cos(angles)])
    return waves @ np.linalg.lstsq(waves, samples, rcond=None)[0]


def test_what_does_not_fit_the_target_rate_is_removed():
    samples = tones(48000, 1.0, (15000.0,))
    assert np.abs(resample(samples, 48000, 24000, [960])[2400:-2400]).max() <= 1


@pytest.mark.parametrize(("source_rate", "target_rate"), RATE_PAIRS)
def test_a_minute_of_2048_sample_frames_does_not_drift(source_rate, target_rate):
    resampler = Resampler(source_rate, target_rate)
    frame = np.zeros(2048, np.int16)
    count = -(-60 * source_rate // 2048)
    produced = sum(resampler.process(frame).size for _ in range(count)) + resampler.flush().size
    assert abs(produced / target_rate - count * 2048 / source_rate) < 0.001


@pytest.mark.parametrize(
    ("source_rate", "target_rate", "most_ms"),
    [(48000, 24000, 6), (44100, 48000, 6), (24000, 48000, 11), (48000, 8000, 28), (8000, 48000, 31)],
)
def test_holds_little_audio(source_rate, target_rate, most_ms):
    resampler = Resampler(source_rate, target_rate)
    frame = np.zeros(source_rate // 50, np.int16)
    produced = 0
    for count in range(1, 200):
        produced += resampler.process(frame).size
        held_ms = (count * frame.size / source_rate - produced / target_rate) * 1000
        assert held_ms <= most_ms


def test_is_fresh_after_a_flush():
    samples = tones(48000, 0.5, VOICE_HZ)
    resampler = Resampler(48000, 24000)
    first = np.concatenate([resampler.process(samples), resampler.flush()])
    second = np.concatenate([resampler.process(samples), resampler.flush()])
    assert np.array_equal(first, second)


def test_full_scale_is_clipped_and_not_wrapped():
    square = np.where(np.arange(48000) % 96 < 48, 32767, -32768).astype(np.int16)
    produced = resample(square, 48000, 44100, [960])
    assert produced.max() == 32767
    assert produced.min() == -32768
    assert np.abs(np.diff(np.sign(produced[1000:-1000].astype(int)))).sum() / 2 == pytest.approx(958, abs=6)


def test_equal_rates_hand_the_audio_through():
    resampler = Resampler(24000, 24000)
    frame = np.zeros(480, np.int16)
    assert resampler.process(frame) is frame
    assert resampler.flush().size == 0


def test_nothing_in_gives_nothing_out():
    resampler = Resampler(48000, 24000)
    assert resampler.process(np.zeros(0, np.int16)).size == 0
    assert resampler.flush().size == 0


@pytest.mark.parametrize("rates", [(0, 8000), (8000, 0), (-1, -1)])
def test_refuses_rates_that_are_not_positive(rates):
    with pytest.raises(ValueError, match="positive"):
        Resampler(*rates)
