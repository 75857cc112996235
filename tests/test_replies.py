"""`ReplyOnPause` in whole calls, with real speech and the real model, in virtual time."""

import asyncio
import logging
import threading
import time
from functools import partial

import numpy as np
import pytest

from rtc import (
    AdditionalOutputs,
    AlgoOptions,
    CloseStream,
    ReplyOnPause,
    SileroVadOptions,
    Stream,
    WebRTCError,
    get_current_context,
    get_current_reply,
)
from rtc.testing import run_call
from tests.subjects import level
from tests.voices import QUESTION, RATE, conversation

ASKED_ONCE = (0.5, QUESTION, 2.0)
STORY = "My number is four seven one, nine nine two."


def call(handler, *parts, seconds=None, **settings):
    """Returns: the call's result, and where each text of the parts begins and ends."""
    audio, spans = conversation(*parts)
    return run_call(Stream(handler), (RATE, audio), seconds=seconds or audio.size / RATE, **settings), spans


def logs(result):
    return [(time_s, message["data"]) for time_s, message in result.messages if message.get("type") == "log"]


def texts(result):
    return [text for _, text in logs(result)]


def clears(result):
    return [time_s for time_s, message in result.messages if message.get("event") == "clear"]


class Answering:
    """An async generator of `seconds` of audio, a tenth of a second at a time, that notes its calls."""

    def __init__(self, seconds=1.0, delay_s=0.0):
        self.seconds = seconds
        self.delay_s = delay_s
        self.turns = []
        self.closed_at = []
        self.heard_s = []

    async def __call__(self, audio):
        self.turns.append(audio)
        try:
            await asyncio.sleep(self.delay_s)
            for _ in range(round(self.seconds * 10)):
                yield level(1000, 0.1)
        finally:
            self.closed_at.append(asyncio.get_running_loop().time())
            self.heard_s.append(get_current_reply().heard_s)


def answering(*args, **kwargs):
    answer = Answering(*args, **kwargs)

    async def fn(audio):
        async for frame in answer(audio):
            yield frame

    return answer, fn


def seconds_of(audio):
    return audio[1].size / audio[0]


# One turn ------------------------------------------------------------------------------------------------------


def test_a_reply_comes_when_the_user_pauses():
    answer, fn = answering()
    result, [(begin, end)] = call(ReplyOnPause(fn), *ASKED_ONCE)
    assert texts(result) == ["started_talking", "pause_detected", "response_starting"]
    (turn,) = answer.turns
    rate, samples = turn
    assert (rate, samples.dtype, samples.shape[0]) == (RATE, np.int16, 1)
    first = result.pieces[0][0]
    assert 0.45 < first - end < 0.65
    audio, _ = conversation(*ASKED_ONCE)
    offset = where(samples[0], audio)
    assert begin - 0.3 < offset / RATE < begin - 0.1, "a turn has 0.2 s before its speech"
    assert offset + samples.size >= end * RATE, "and all of it"
    assert result.audio[1].size == pytest.approx(RATE, abs=RATE / 50)
    assert not clears(result)


def where(part, whole):
    """The offset of a part in the whole, exactly; the sender sends it as it is, at the handler's rate."""
    size = 2000
    windows = np.lib.stride_tricks.sliding_window_view(whole, size)
    (found,) = np.flatnonzero(
        (windows[::1, 0] == part[0]) & (windows[:, -1] == part[size - 1]) & (windows[:, size // 2] == part[size // 2])
    )[:1]
    assert np.array_equal(whole[found : found + part.size], part)
    return found


def test_a_short_pause_is_answered_sooner():
    answer, fn = answering()
    options = AlgoOptions(audio_chunk_duration=0.2, speech_threshold=0.02)
    result, [(_, end)] = call(ReplyOnPause(fn, algo_options=options), *ASKED_ONCE)
    assert len(answer.turns) == 1
    assert result.pieces[0][0] - end < 0.27


def test_silence_and_noise_are_no_turn():
    answer, fn = answering()
    result, _ = call(ReplyOnPause(fn), 5.0)
    assert not answer.turns and not texts(result)


@pytest.mark.parametrize("kind", ["function", "generator", "async function", "async generator", "partial", "object"])
def test_any_kind_of_function(kind):
    heard = []

    def function(audio):
        heard.append(seconds_of(audio))
        return level(1000, 0.5)

    def generator(audio):
        yield function(audio)

    async def async_function(audio):
        return function(audio)

    async def async_generator(audio):
        yield function(audio)

    class Caller:
        def __call__(self, audio):
            return generator(audio)

    kinds = {
        "function": function,
        "generator": generator,
        "async function": async_function,
        "async generator": async_generator,
        "partial": lambda audio: async_generator(audio),
        "object": Caller(),
    }
    result, [(begin, end)] = call(ReplyOnPause(kinds[kind]), *ASKED_ONCE)
    assert heard == [pytest.approx(end - begin + 0.7, abs=0.3)]
    assert result.audio[1].size == pytest.approx(RATE / 2, abs=RATE / 50)
    assert not result.errors


def test_a_sync_generator_runs_in_one_thread_and_in_its_session():
    threads, sessions = [], []

    def fn(audio):
        for _ in range(3):
            threads.append(threading.current_thread())
            sessions.append(get_current_context().webrtc_id)
            time.sleep(0.01)
            yield level(1000, 0.1)

    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE)
    assert len(set(threads)) == 1 and threads[0] is not threading.main_thread()
    assert set(sessions) == {"test"}
    assert result.audio[1].size == pytest.approx(0.3 * RATE, abs=RATE / 50)


def test_two_turns_are_two_calls():
    answer, fn = answering(0.3)
    result, spans = call(ReplyOnPause(fn), 0.5, QUESTION, 2.0, "Thank you very much.", 2.0)
    assert [seconds_of(turn) for turn in answer.turns] == [
        pytest.approx(end - begin + 0.7, abs=0.3) for begin, end in spans
    ]
    assert texts(result) == 2 * ["started_talking", "pause_detected", "response_starting"]
    assert len(answer.closed_at) == 2


def test_what_else_a_function_may_yield():
    async def fn(audio):
        yield AdditionalOutputs("thinking")
        yield None
        yield level(1000, 0.1), AdditionalOutputs({"text": "yes"})
        yield 24000, np.full((1, 2400), 0.5, np.float32)
        yield CloseStream("bye")

    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE)
    assert [value for _, value in result.outputs] == ["thinking", {"text": "yes"}]
    assert result.audio[1].size == pytest.approx(0.2 * RATE, abs=RATE / 50)
    assert result.end_reason == "handler_closed"


def test_a_function_that_says_nothing():
    async def fn(audio):
        return None

    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE, QUESTION, 2.0)
    assert texts(result) == 2 * ["started_talking", "pause_detected", "response_starting"]


@pytest.mark.parametrize("nothing", [None, (24000, np.zeros(0, np.int16))], ids=["None", "no samples"])
def test_a_function_that_yields_nothing_until_it_has_something_does_not_spin(nothing):
    yielded = []

    async def fn(audio):
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 0.5
        while loop.time() < until_s:
            yielded.append(nothing)
            yield nothing
        yield level(1000, 0.1)

    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE)
    assert result.audio[1].size
    assert len(yielded) < 600


# Beginnings ----------------------------------------------------------------------------------------------------


def test_a_greeting_is_heard_at_once():
    def greet():
        yield level(2000, 0.4)

    answer, fn = answering(0.2)
    result, _ = call(ReplyOnPause(fn, startup_fn=greet), 1.0, *ASKED_ONCE)
    assert result.pieces[0][0] < 0.2
    assert texts(result)[0] == "response_starting"
    assert len(answer.turns) == 1


def test_inputs_are_asked_for_and_passed_on():
    seen = []

    async def fn(audio, city, days):
        seen.append((city, days))
        yield level(1000, 0.1)

    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE, QUESTION, 2.0, inputs=[["Paris", 3], ["Rome", 4]])
    assert seen == [("Paris", 3), ("Rome", 4)]
    assert sum(message.get("type") == "send_input" for _, message in result.messages) == 2


def test_a_greeting_may_take_inputs():
    seen = []

    def greet(name):
        seen.append(name)
        yield level(2000, 0.1)

    call(ReplyOnPause(answering()[1], startup_fn=greet), 1.0, inputs=[["Ann"]])
    assert seen == ["Ann"]


async def with_voice(audio, *, voice="low", **others):
    yield level(1000, 0.1), AdditionalOutputs(voice)


async def in_voice(audio, voice):
    yield level(1000, 0.1), AdditionalOutputs(voice)


@pytest.mark.parametrize("fn", [with_voice, partial(in_voice, voice="low")], ids=["by name", "partial"])
def test_no_inputs_are_asked_for_what_can_only_be_passed_by_name(fn):
    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE)
    assert [value for _, value in result.outputs] == ["low"]
    assert not any(message.get("type") == "send_input" for _, message in result.messages)


def test_a_response_can_be_triggered():
    class Impatient(ReplyOnPause):
        async def start_up(self):
            await super().start_up()
            loop = asyncio.get_running_loop()
            loop.call_later(1.2, self.trigger_response)
            loop.call_later(4.0, self.trigger_response)

    answer, fn = answering(0.1)
    call(Impatient(fn), 0.5, STORY, 4.0)
    assert seconds_of(answer.turns[0]) == pytest.approx(1.2 - 0.3, abs=0.1)
    assert len(answer.turns) == 2 + 1
    assert sum(seconds_of(turn) for turn in answer.turns) > 2.5


# Failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async", "junk", "dtype", "rate"])
def test_a_failing_function_is_reported_and_the_next_turn_goes_on(kind, settings, caplog):
    settings.RTC_SHOW_HANDLER_ERRORS = True
    turns = []

    def sync(audio):
        turns.append(audio)
        yield level(1000, 0.1)
        if len(turns) == 1:
            raise KeyError("no such word")

    async def coroutine(audio):
        turns.append(audio)
        if len(turns) == 1:
            raise KeyError("no such word")
        return level(1000, 0.1)

    async def junk(audio):
        turns.append(audio)
        yield "no audio" if len(turns) == 1 else level(1000, 0.1)

    async def dtype(audio):
        turns.append(audio)
        yield (24000, np.zeros(240)) if len(turns) == 1 else level(1000, 0.1)

    async def rate(audio):
        turns.append(audio)
        yield (float("inf"), level(1000, 0.1)[1]) if len(turns) == 1 else level(1000, 0.1)

    fn = {"sync": sync, "async": coroutine, "junk": junk, "dtype": dtype, "rate": rate}[kind]
    with caplog.at_level(logging.ERROR):
        result, _ = call(ReplyOnPause(fn), *ASKED_ONCE, QUESTION, 2.0)
    assert len(turns) == 2
    (text,) = result.errors
    assert "fn()" in text
    (record,) = [record for record in caplog.records if "goes on" in record.message]
    assert record.exc_info
    assert result.end_reason == "client_stop"
    assert result.audio[1].size >= 0.1 * RATE - RATE / 50


def test_what_a_client_may_know_of_a_failure(settings):
    settings.RTC_SHOW_HANDLER_ERRORS = False

    async def fn(audio):
        raise errors.pop()

    errors = [KeyError("secret"), WebRTCError("No credit.")]
    result, _ = call(ReplyOnPause(fn), *ASKED_ONCE, QUESTION, 2.0)
    assert result.errors == ["No credit.", "The reply failed."]
    codes = [message["code"] for _, message in result.messages if message.get("type") == "error"]
    assert codes == ["reply_failed", "reply_failed"]


def test_a_hook_that_fails_ends_nothing(caplog):
    class Failing(ReplyOnPause):
        def replied(self, reply):
            raise KeyError("x")

    answer, fn = answering(5.0)
    result, _ = call(Failing(fn), *ASKED_ONCE, QUESTION, 2.0)
    assert len(answer.turns) == 2 and result.end_reason == "client_stop"
    assert [record.message.split(": ")[0] for record in caplog.records] == 2 * [
        "session test goes on, but the handler failed in replied()"
    ]


def test_options_that_contradict_each_other():
    for options in (
        AlgoOptions(audio_chunk_duration=0.01),
        AlgoOptions(speech_threshold=0.0),
        AlgoOptions(speech_threshold=0.7),
        AlgoOptions(max_continuous_speech_s=0),
    ):
        with pytest.raises(ValueError, match="audio_chunk_duration|speech_threshold|max_continuous_speech_s"):
            ReplyOnPause(answering()[1], algo_options=options)


def test_a_copy_has_the_same_options():
    handler = ReplyOnPause(
        answering()[1],
        algo_options=AlgoOptions(0.4),
        model_options=SileroVadOptions(threshold=0.7),
        can_interrupt=False,
        input_sample_rate=16000,
        interrupt_after_s=0.5,
    )
    copy = handler.copy()
    for name in ("algo_options", "model_options", "can_interrupt", "_ReplyOnPause__interrupt_after_s"):
        assert vars(copy)[name] == vars(handler)[name]
    assert (copy.fn, copy.model, copy.input_sample_rate) == (handler.fn, handler.model, 16000)


def test_a_function_that_blocks_can_tell_that_it_is_made_again():
    again = threading.Event()
    interrupted = []

    def reply(audio):
        interrupted.append(None)
        if len(interrupted) == 1:
            assert again.wait(10)
            interrupted[0] = get_current_reply().interrupted
        else:
            interrupted[1] = get_current_reply().interrupted
            again.set()
        yield level(1000, 0.1)

    call(ReplyOnPause(reply), 0.5, "I would like to order a pizza,", 0.9, "with extra cheese, please.", 2.0)
    assert interrupted == [True, False]
