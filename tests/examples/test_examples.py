"""The examples, called, against stand-ins of the services that they are for."""

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from examples import gemini_live, openai_realtime, voice_chat
from examples.settings import RTC_STREAMS
from rtc.testing import CallResult, run_call
from tests.blocks import ROOT
from tests.browser.speech import speak
from tests.examples.http_service import SPEECH_HZ, WRITTEN, running_http
from tests.examples.realtime_service import (
    ANSWER_HZ,
    ANSWER_S,
    HEARD,
    KEY,
    SAID,
    GeminiLive,
    OpenAIRealtime,
    running,
)
from tests.live.tones import frequency_of, sine

RATE = 24000
TONE_HZ = 300.0
CONVERSATION = [{"role": "user", "content": HEARD}, {"role": "assistant", "content": SAID}]


def outputs(result: CallResult) -> list:
    return [value for _, value in result.outputs]


def sounding(result: CallResult) -> np.ndarray:
    """What was heard, without the silence around it."""
    samples = result.audio[1]
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 200)
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


@pytest.fixture
def openai(monkeypatch):
    with running(OpenAIRealtime()) as service:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_REALTIME_URL", service.url)
        yield service


@pytest.fixture
def gemini(monkeypatch):
    with running(GeminiLive()) as service:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("GEMINI_LIVE_URL", service.url)
        yield service


@pytest.fixture
def http_service(monkeypatch):
    with running_http() as service:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", service.url)
        yield service


def test_the_bridge_carries_audio_both_ways(openai):
    result = run_call(openai_realtime.stream, (RATE, sine(TONE_HZ, 0.8, RATE)), seconds=2.0)
    assert (result.errors, result.end_reason) == ([], "client_stop")
    assert outputs(result) == CONVERSATION
    assert frequency_of(sounding(result), RATE) == pytest.approx(ANSWER_HZ, rel=0.01)
    assert frequency_of(openai.heard[: RATE // 2], RATE) == pytest.approx(TONE_HZ, rel=0.01)
    [setup] = openai.of_type("session.update")
    assert setup["session"]["audio"]["input"]["format"]["rate"] == RATE


def test_the_bridge_tells_the_model_how_much_was_heard(openai):
    result = run_call(openai_realtime.stream, (RATE, sine(TONE_HZ, 2.0, RATE)), seconds=2.0)
    assert {"event": "clear"} in [message for _, message in result.messages]
    [truncated] = openai.of_type("conversation.item.truncate")
    assert truncated["item_id"] == "a1" and 0 < truncated["audio_end_ms"] < 1800
    assert sounding(result).size / RATE < ANSWER_S - 0.1


def test_the_voice_is_asked_for_and_the_model_told(gemini):
    result = run_call(gemini_live.stream, (16000, sine(TONE_HZ, 1.2, 16000)), inputs=[["Kore"]], seconds=2.0)
    assert (result.errors, result.end_reason) == ([], "client_stop")
    assert outputs(result)[0] == CONVERSATION[0]
    [setup] = gemini.messages
    assert setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == "Kore"
    assert frequency_of(sounding(result), 16000) == pytest.approx(ANSWER_HZ, rel=0.01)


def test_the_form_knows_the_voices():
    form = gemini_live.stream.input_form({"voice": "Alice"})
    assert isinstance(form.errors.as_data()["voice"][0], ValidationError)
    assert gemini_live.stream.input_form({"voice": "Puck"}).is_valid()


def test_the_chat_transcribes_asks_and_speaks_sentence_by_sentence(http_service):
    rate, samples = speak("Where is my lamp?")
    result = run_call(voice_chat.stream, (rate, samples), seconds=samples.size / rate + 3.0)
    assert result.errors == []
    answer = "".join(WRITTEN)
    assert outputs(result) == [{"role": "user", "content": HEARD}, {"role": "assistant", "content": answer}]
    assert http_service.spoken == ["It came on Tuesday.", "Is it green?"]
    [asked] = http_service.asked
    assert asked[0]["role"] == "system" and asked[1:] == [{"role": "user", "content": HEARD}]
    assert http_service.transcribed[0] == pytest.approx(samples.size / rate, abs=1.0)
    assert frequency_of(sounding(result), rate) == pytest.approx(SPEECH_HZ, rel=0.01)


@pytest.mark.parametrize(
    ("pause_s", "remembered"), [(4.0, "It came on Tuesday. Is it green?"), (1.6, "It came on Tuesday."), (1.0, "…")]
)
def test_the_model_is_told_what_was_heard_of_its_answer(http_service, pause_s, remembered):
    rate, question = speak("Where is my lamp?")
    pause = np.zeros(round(pause_s * rate), np.int16)
    result = run_call(voice_chat.stream, (rate, np.concatenate([question, pause, question])))
    assert result.errors == []
    first, second = http_service.asked[0], http_service.asked[-1]
    assert second == [*first, {"role": "assistant", "content": remembered}, {"role": "user", "content": HEARD}]


@pytest.mark.parametrize("pieces", [["One. Two", "! Thr", "ee"], ["One. Two! Three"], list("One. Two! Three")])
def test_sentences_are_found_in_any_pieces(pieces):
    assert list(voice_chat.sentences(pieces)) == ["One.", "Two!", "Three"]


@pytest.mark.parametrize(("module", "variable"), [(openai_realtime, "OPENAI_API_KEY"), (gemini_live, "GEMINI_API_KEY")])
def test_without_a_key_the_caller_is_told(monkeypatch, module, variable):
    monkeypatch.delenv(variable, raising=False)
    result = run_call(module.stream, inputs=[["Puck"]], seconds=1.0)
    assert result.end_reason == "handler_failed" and variable in result.errors[0]


def test_the_settings_name_each_example():
    named = {path.split(".")[1] for path in RTC_STREAMS.values() if path.startswith("examples.")}
    assert named == {path.stem for path in (ROOT / "examples").glob("*.py")} - {"__init__", "settings"}
