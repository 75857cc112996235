import asyncio
import threading
from functools import cache

import numpy as np
import pytest

from rtc import ReplyOnStopWords, Stream, get_stt_model, get_tts_model
from rtc.core.audio import to_int16
from rtc.testing import run_call

RATE = 24000
TONE = np.full(RATE // 10, 8000, np.int16)


@cache
def spoken(text: str) -> np.ndarray:
    return get_tts_model().tts(text)[1]


def said(*parts: str | float) -> tuple[int, np.ndarray]:
    """Texts and seconds of silence, over a faint noise, as a microphone has it."""
    sounds = [spoken(part) if isinstance(part, str) else np.zeros(round(part * RATE)) for part in parts]
    samples = np.concatenate(sounds)
    noise = np.random.default_rng(seed=2).standard_normal(samples.size) * 10 ** (-60 / 20)
    return RATE, (samples + noise).astype(np.float32)


class Listener:
    """A reply function that keeps what it was given, and beeps for `reply_s`."""

    def __init__(self, reply_s: float = 0.3):
        self.turns = []
        self._reply_s = reply_s

    def stream(self, stop_words=("computer",), **options) -> Stream:
        return Stream(ReplyOnStopWords(self.reply, list(stop_words), input_sample_rate=RATE, **options))

    async def reply(self, audio):
        self.turns.append(audio)
        for _ in range(round(self._reply_s * 10)):
            yield RATE, TONE

    @property
    def texts(self):
        return [get_stt_model().stt(turn) for turn in self.turns]


def kinds(result) -> list[str]:
    return [
        message["data"] if message["type"] == "log" else message["type"]
        for _, message in result.messages
        if message.get("type") in ("log", "stopword", "error")
    ]


ONE_TURN = ["stopword", "started_talking", "pause_detected", "response_starting"]


def test_what_is_said_after_the_word_is_replied_to_and_nothing_else():
    listener = Listener()
    audio = said(1.0, "Please read my notes.", 1.5, "Computer, what time is it?", 2.0, "How many notes do I have?", 1.5)
    result = run_call(listener.stream(), audio)
    assert listener.texts == ["What time is it?"]
    assert kinds(result) == ONE_TURN


def test_the_word_may_be_said_long_before():
    listener = Listener()
    result = run_call(listener.stream(), said(1.0, "Computer!", 4.0, "What time is it?", 1.5))
    assert listener.texts == ["What time is it?"]
    assert kinds(result) == ONE_TURN


def test_each_turn_takes_a_stop_word_and_any_of_them_will_do():
    listener = Listener()
    audio = said(1.0, "Hello computer, what time is it?", 2.0, "Please help me: read my notes.", 2.0)
    result = run_call(listener.stream(["hello computer", "help me"]), audio)
    first, second = listener.texts
    assert first == "What time is it?"
    assert second.lower().endswith("read my notes.")  # of a word that runs into the next, the end may be heard, too
    assert kinds(result) == ONE_TURN * 2


@pytest.mark.parametrize("interrupts", [True, False])
def test_a_stop_word_interrupts_a_reply_if_it_may_and_other_speech_does_not(interrupts):
    listener = Listener(reply_s=8.0)
    audio = said(0.5, "Computer, what time is it?", 1.5, "How many notes do I have?", 1.0, "Computer, stop that.", 2.5)
    result = run_call(listener.stream(can_interrupt=interrupts), audio)
    clears = [time_s for time_s, message in result.messages if message.get("event") == "clear"]
    assert len(listener.turns) == len(kinds(result)) // 4 == (2 if interrupts else 1)
    assert len(clears) == (1 if interrupts else 0)
    if interrupts:
        word_ends_s = (audio[1].size - spoken("Computer, stop that.").size) / RATE - 2.5 + 0.8
        assert clears[0] == pytest.approx(word_ends_s, abs=0.8)


class SlowModel:
    """Takes `delay_s` to write down "computer" once that is over, at `word_s`, and what follows it 0.3 s later."""

    def __init__(self, audio, word_s: float, delay_s: float):
        self._audio = to_int16(audio[1])
        self._word_s = word_s
        self._delay_s = delay_s

    async def write_down(self, audio) -> str:
        await asyncio.sleep(self._delay_s)
        rate, samples = audio
        assert rate == RATE and samples.dtype == np.int16 and samples.shape[0] == 1
        end_s = self.begin_of(samples[:, -200:]) + 200 / RATE
        return "computer what" if end_s >= self._word_s + 0.3 else "computer" if end_s >= self._word_s else "come"

    def begin_of(self, samples) -> float:
        found = self._audio.tobytes().find(samples.tobytes())
        assert found >= 0
        return found / 2 / RATE


def sounds(samples) -> tuple[float, float]:
    """When the first and the last sound are, in seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max()) / RATE
    return loud[0], loud[-1]


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("gap_s", [0.0, 0.3, 2.0])
def test_no_word_is_lost_while_a_slow_model_writes_down(delay_s, gap_s):
    audio = said(1.0, "Computer,", gap_s, "what time is it?", 6.0)
    word_s = 1.0 + sounds(spoken("Computer,"))[1]
    what_s = 1.0 + spoken("Computer,").size / RATE + gap_s + sounds(spoken("what time is it?"))[0]
    listener = Listener()
    model = SlowModel(audio, word_s, delay_s)
    result = run_call(listener.stream(stt=model.write_down), audio)
    (turn,) = listener.turns
    assert word_s - 0.3 <= model.begin_of(turn[1][:, :200]) <= what_s
    assert listener.texts[0].endswith("hat time is it?")
    assert kinds(result) == ONE_TURN


def test_a_failing_model_is_told_once_and_the_call_goes_on(caplog):
    def fail(audio):
        raise OSError("no such service")

    listener = Listener()
    result = run_call(listener.stream(stt=fail), said(0.5, "Computer, what time is it?", 1.0, "Computer!", 1.0))
    assert kinds(result) == ["error"] and listener.turns == []
    assert result.end_reason == "client_stop"
    assert "no such service" in caplog.text


def test_a_model_is_taken_as_well_as_a_function():
    listener = Listener()
    run_call(listener.stream(stt=get_stt_model()), said(0.5, "Computer, what time is it?", 1.5))
    assert listener.texts == ["What time is it?"]


def test_an_object_that_is_called_may_be_async():
    class Writer:
        async def __call__(self, audio):
            return "computer"

    listener = Listener()
    result = run_call(listener.stream(stt=Writer()), said(0.5, "Computer, what time is it?", 1.5))
    assert "stopword" in kinds(result) and "error" not in kinds(result)


@pytest.mark.parametrize("stop_words", [[], [" "], "computer"])
def test_stop_words_are_words(stop_words):
    with pytest.raises(ValueError, match="stop_words"):
        ReplyOnStopWords(print, stop_words)


def test_a_copy_has_the_same_stop_words():
    handler = ReplyOnStopWords(print, ["computer"], can_interrupt=False)
    assert handler.copy().stop_words == ["computer"] and not handler.copy().can_interrupt
    assert handler.stop_word_detected("Hey, Computer!") and not handler.stop_word_detected("Commuter")


class Roughly(ReplyOnStopWords):
    """As FastRTC has it overridden: by more than the words."""

    def stop_word_detected(self, text):
        return super().stop_word_detected(text) or "please look" in text


@pytest.mark.parametrize("in_thread", [True, False])
def test_a_handler_may_say_itself_what_a_stop_word_is(in_thread):
    listener = Listener()
    words = iter(["nothing yet", "nothing yet", "please look"])
    threads = set()

    class Noting(Roughly):
        def stop_word_detected(self, text):
            threads.add(threading.current_thread() is not threading.main_thread())
            return super().stop_word_detected(text)

    def stt(audio):
        return next(words, "")

    async def stt_async(audio):
        return stt(audio)

    stt_here = stt if in_thread else stt_async
    stream = Stream(Noting(listener.reply, ["computer"], input_sample_rate=RATE, stt=stt_here))
    result = run_call(stream, said(0.5, "Could you please look that up?", 1.5, "What is the weather like?", 2.0))
    assert kinds(result)[0] == "stopword" and len(listener.turns) == 1
    assert threads == {in_thread}


def test_what_says_what_a_stop_word_is_may_fail(caplog):
    class Failing(ReplyOnStopWords):
        def stop_word_detected(self, text):
            raise OSError("no such service")

    listener = Listener()
    stream = Stream(Failing(listener.reply, ["computer"], input_sample_rate=RATE, stt=lambda audio: "computer"))
    result = run_call(stream, said(0.5, "Computer, what time is it?", 1.0))
    assert (kinds(result), result.end_reason) == (["error"], "client_stop")
    assert "the handler failed in stop_word_detected(): OSError: no such service" in caplog.text
