import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soxr
from django.core.exceptions import ImproperlyConfigured

from rtc import HibariTTSOptions, get_stt_model, get_tts_model, stt_for_chunks
from rtc.core.speech_pieces import pieces
from rtc.extras import import_extra

TWO_SENTENCES = "Please count to five. How many notes do I have?"


@pytest.fixture(scope="module")
def spoken():
    return get_tts_model().tts(TWO_SENTENCES)


def plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalpha() or character == " ")


def test_what_one_model_says_the_other_writes_down(spoken):
    assert get_stt_model().stt(spoken) == TWO_SENTENCES


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_speech_of_any_rate_type_and_shape_is_understood(spoken, sample_rate):
    rate, samples = spoken
    resampled = (soxr.resample(samples, rate, sample_rate) * 32767).astype(np.int16).reshape(1, -1)
    assert plain(get_stt_model().stt((sample_rate, resampled))) == plain(TWO_SENTENCES)


def test_no_audio_is_no_text():
    assert get_stt_model().stt((16000, np.zeros(0, np.int16))) == ""
    assert get_stt_model().stt((48000, np.zeros((1, 1), np.int16))) == ""


def test_long_speech_keeps_its_end(spoken):
    rate, samples = spoken
    text = get_stt_model().stt((rate, np.tile(samples, 10)))
    assert text.endswith("How many notes do I have?")
    assert plain(text).count("notes") == 10


def test_threads_share_a_model_without_mixing_up_their_words():
    texts = ["What time is it?", "Read my notes.", "How many notes do I have?"]
    audio = [get_tts_model().tts(text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(get_stt_model().stt, audio * 3)) == texts * 3


def test_chunks_are_transcribed_each_alone(spoken):
    rate, samples = spoken
    half = get_tts_model().tts("Please count to five.")[1].size
    chunks = [{"start": 0, "end": half}, {"start": half, "end": half}, {"start": half, "end": samples.size}]
    assert plain(stt_for_chunks(get_stt_model(), (rate, samples), chunks)) == plain(TWO_SENTENCES)


def test_speech_comes_a_sentence_at_a_time():
    first, second = get_tts_model().stream_tts_sync(TWO_SENTENCES)
    assert get_stt_model().stt(first) == "Please count to five."
    assert first[0] == second[0] == 24000
    assert first[1].dtype == np.float32 and first[1].ndim == 1 and 0.1 < np.abs(first[1]).max() <= 1


async def test_the_event_loop_goes_on_while_it_speaks():
    ticks = 0
    over = asyncio.Event()

    async def tick():
        nonlocal ticks
        while not over.is_set():
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    sizes = [samples.size async for _, samples in get_tts_model().stream_tts(TWO_SENTENCES)]
    over.set()
    await ticking
    assert len(sizes) == 2 and ticks > 2


def test_speed_changes_the_duration(spoken):
    _, fast = get_tts_model().tts(TWO_SENTENCES, HibariTTSOptions(speed=1.5))
    assert 0.5 < fast.size / spoken[1].size < 0.8
    with pytest.raises(ValueError, match=r"speed is 0\.5 to 2\.0, got 9"):
        HibariTTSOptions(speed=9)


def test_nothing_to_say_is_no_audio():
    assert get_tts_model().tts(" ")[1].shape == (0,)


def test_models_are_loaded_once():
    with ThreadPoolExecutor(8) as threads:
        models = {id(model) for model in threads.map(lambda _: get_tts_model(), range(8))}
    assert models == {id(get_tts_model("hibari"))}


def test_an_unknown_model_is_refused_by_name():
    with pytest.raises(
        ImproperlyConfigured, match=r"get_stt_model\(\) knows no model 'whisper/base', only 'moonshine/tiny'"
    ):
        get_stt_model("whisper/base")
    with pytest.raises(ImproperlyConfigured, match="knows no model 'bark', only 'hibari'"):
        get_tts_model("bark")


def test_a_missing_package_is_told_with_its_extra():
    with pytest.raises(
        ImproperlyConfigured, match=r'Talking needs no_such_package, .*: pip install "fastrtc-django\[tts\]"'
    ):
        import_extra("no_such_package", extra="tts", feature="Talking")


def test_pieces_are_the_whole_and_none_is_too_long():
    rng = np.random.default_rng(seed=3)
    samples = rng.standard_normal(100_000)
    cut = list(pieces(samples, 1000, 15.0))
    assert np.array_equal(np.concatenate(cut), samples)
    assert max(piece.size for piece in cut) <= 15_000
    assert len(cut) <= 100_000 / (15_000 * 0.6) + 1


def test_pieces_are_cut_where_it_is_quiet():
    samples = np.random.default_rng(seed=3).standard_normal(20_000)
    samples[11_000:11_300] = 0
    first, second = pieces(samples, 1000, 15.0)
    assert 11_000 < first.size < 11_300
