import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc.core.windows import SAMPLE_RATE, WINDOW_SAMPLES, Windows
from tests.core.signals import tones

RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)


def windows_of(audio, rate, sizes=(10**9,)):
    windows, found, at = Windows(rate), [], 0
    while at < audio.size:
        for size in sizes:
            found += windows.add(audio[at : at + size])
            at += size
    return found


def level_db(samples):
    return 20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) / 32768 + 1e-9)


@pytest.mark.parametrize("rate", RATES)
def test_windows_are_512_samples_at_16000_hz(rate):
    audio = tones(rate, 2.0, (440.0,))
    found = windows_of(audio, rate)
    assert {(window.dtype, window.shape) for window in found} == {(np.dtype(np.int16), (WINDOW_SAMPLES,))}
    assert 61 <= len(found) <= 62
    heard = np.concatenate(found)[SAMPLE_RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    assert spectrum.argmax() * SAMPLE_RATE / heard.size == pytest.approx(440, abs=2)
    assert level_db(heard) == pytest.approx(level_db(audio), abs=0.2)


@pytest.mark.parametrize("rate", (32000, 48000))
def test_what_16000_hz_can_not_hold_is_left_out(rate):
    for frequency in (9500.0, 12000.0, 15000.0):
        found = np.concatenate(windows_of(tones(rate, 1.0, (frequency,)), rate))
        assert level_db(found[WINDOW_SAMPLES:]) < level_db(tones(rate, 1.0, (frequency,))) - 55


@pytest.mark.parametrize("rate", (32000, 48000))
def test_sound_is_where_it_was(rate):
    """A click comes out within a millisecond of its place: turns are cut by position."""
    audio = np.zeros(rate, np.int16)
    audio[rate // 2] = 20000
    found = np.concatenate(windows_of(audio, rate))
    assert abs(np.abs(found).argmax() / SAMPLE_RATE - 0.5) <= 0.001


@pytest.mark.parametrize("rate", (16000, 44100, 48000))
@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=20))
def test_how_audio_is_split_changes_nothing(rate, sizes):
    audio = np.random.default_rng(seed=1).integers(-9000, 9000, rate // 3).astype(np.int16)
    whole = windows_of(audio, rate)
    assert [window.tobytes() for window in windows_of(audio, rate, sizes)] == [window.tobytes() for window in whole]


def test_full_scale_does_not_wrap():
    audio = np.tile(np.repeat(np.array([32767, -32768], np.int16), 30), 500)
    found = np.concatenate(windows_of(audio, 48000))
    assert found.max() == 32767 and found.min() == -32768
    assert abs(np.diff(found.astype(int))).max() < 60000
