"""Rounds of windows, in the thread and inline; models of another shape; models that fail."""

import asyncio
import threading

import numpy as np
import pytest

from rtc import AlgoOptions, ReplyOnPause, get_silero_model
from rtc.core.turn_options import TurnOptions
from rtc.silero import SileroModel
from rtc.testing import virtual_time
from rtc.voice_activity import MOST_DUE, TICK_S, listen
from tests.test_replies import answering, call, seconds_of, texts
from tests.voices import QUESTION, RATE, conversation

WINDOW = np.zeros(512, np.int16)


class Noting(SileroModel):
    """The real model; notes how many windows it judged at a time, when, and in which thread."""

    def __init__(self, clock=None):
        super().__init__()
        self.rounds = []
        self.times = []
        self.threads = set()
        self._clock = clock

    def judge(self, windows, states):
        self.rounds.append(len(windows))
        self.threads.add(threading.current_thread().name)
        if self._clock is not None:
            self.times.append(self._clock())
        return super().judge(windows, states)


def listener(model, measured=None, rate=16000, **options):
    return listen(model, rate, TurnOptions(**options), None, (measured if measured is not None else []).append)


@virtual_time
async def test_windows_that_are_due_at_once_are_judged_at_once():
    model = Noting()
    measured = [[] for _ in range(20)]
    listeners = [listener(model, found) for found in measured]
    for each in listeners:
        each.hear(WINDOW)
    await asyncio.sleep(TICK_S)
    assert model.rounds == [20]
    assert all(len(found) == 1 for found in measured)


@virtual_time
async def test_windows_that_come_one_by_one_wait_a_tick_for_each_other():
    loop = asyncio.get_running_loop()
    model = Noting(loop.time)
    listeners = [listener(model) for _ in range(32)]
    for _ in range(10):  # 32 sessions, a window each 32 ms, one after the other
        for each in listeners:
            each.hear(WINDOW)
            await asyncio.sleep(0.001)
    await asyncio.sleep(TICK_S)
    assert sum(model.rounds) == 320
    assert max(model.rounds) <= 9
    assert len(model.rounds) <= 0.32 / TICK_S + 2
    assert min(np.diff(model.times)) > TICK_S * 0.99


@virtual_time
async def test_one_session_is_judged_at_once():
    loop = asyncio.get_running_loop()
    model = Noting(loop.time)
    one = listener(model)
    came = []
    for _ in range(5):
        await asyncio.sleep(0.032)
        one.hear(WINDOW)
        came.append(loop.time())
    await asyncio.sleep(0.032)
    assert model.times == pytest.approx(came)


@virtual_time
async def test_windows_of_one_session_are_judged_in_turn():
    model, measured = Noting(), []
    one = listener(model, measured)
    one.hear(np.zeros(512 * 7 + 100, np.int16))
    await asyncio.sleep(1.0)
    assert model.rounds == [1] * 7
    assert [round(measure.end_s / 0.032) for measure in measured] == [1, 2, 3, 4, 5, 6, 7]


@virtual_time
async def test_a_listener_that_is_closed_hears_nothing_more():
    model, measured, others = Noting(), [], []
    one, other = listener(model, measured), listener(model, others)
    one.hear(WINDOW)
    other.hear(WINDOW)
    one.close()
    await asyncio.sleep(0.1)
    assert not measured and len(others) == 1


async def test_the_thread_judges_for_all_sessions_and_the_loop_goes_on():
    model = Noting()
    found = [[] for _ in range(5)]
    listeners = [listener(model, measured) for measured in found]
    for _ in range(10):
        for each in listeners:
            each.hear(WINDOW)
        await asyncio.sleep(0.005)
    async with asyncio.timeout(10):
        while any(len(measured) < 10 for measured in found):
            await asyncio.sleep(0.005)
    assert model.threads == {"rtc-vad_0"}
    assert max(model.rounds) == 5
    assert [measure.end_s for measure in found[0]] == sorted(measure.end_s for measure in found[0])


async def test_too_much_that_is_not_judged_makes_the_sender_wait():
    held = threading.Event()

    class Slow(Noting):
        def judge(self, windows, states):
            held.wait(10)
            return super().judge(windows, states)

    one = listener(Slow(), measured := [])
    one.hear(np.zeros(512 * MOST_DUE, np.int16))
    assert one.is_behind or len(one.due) == MOST_DUE - 1
    one.hear(np.zeros(512 * 2, np.int16))
    waiting = asyncio.create_task(one.keep_up())
    await asyncio.sleep(0.02)
    assert one.is_behind and not waiting.done()
    held.set()
    async with asyncio.timeout(10):
        await waiting
    assert not one.is_behind
    one.close()
    assert measured


class Failing(SileroModel):
    def judge(self, windows, states):
        raise RuntimeError("no more memory")


async def test_a_model_that_fails_is_told_of_to_those_it_fails():
    one = listener(Failing())
    one.hear(WINDOW)
    async with asyncio.timeout(10):
        while not one.is_behind:
            await asyncio.sleep(0.005)
    with pytest.raises(RuntimeError, match="no more memory"):
        await one.keep_up()


# Models of FastRTC's shape -----------------------------------------------------------------------------------


class OfFastRTCsShape:
    """Loud is speech."""

    def __init__(self):
        self.asked = []

    def vad(self, audio, options):
        rate, samples = audio
        self.asked.append((rate, samples.shape, options))
        loud = np.abs(samples[: samples.size // 480 * 480].reshape(-1, 480)).max(axis=1) > 300
        return loud.sum() * 480 / rate, [{"start": 0, "end": samples.size}]

    def warmup(self):
        pass


def test_a_model_of_fastrtcs_shape():
    model = OfFastRTCsShape()
    answer, fn = answering(2.0)
    handler = ReplyOnPause(fn, model=model, model_options={"of": "its own"}, algo_options=AlgoOptions(0.8))
    result, spans = call(handler, 0.5, QUESTION, 2.0, "No, wait, something else.", 2.0)
    assert len(answer.turns) == 2
    for turn, (begin, end) in zip(answer.turns, spans, strict=True):
        assert end - begin + 0.5 < seconds_of(turn) < end - begin + 2.0
    assert texts(result)[:3] == ["started_talking", "pause_detected", "response_starting"]
    assert {shape for _, shape, _ in model.asked} == {(round(0.8 * RATE),)}
    assert all(options == {"of": "its own"} for _, _, options in model.asked)


async def test_it_is_asked_in_the_thread_and_not_before_it_has_answered():
    held, asked = threading.Event(), []

    class Slow(OfFastRTCsShape):
        def vad(self, audio, options):
            asked.append(threading.current_thread().name)
            held.wait(10)
            return super().vad(audio, options)

    measured = []
    one = listener(Slow(), measured)
    audio, _ = conversation(QUESTION, rate=16000)
    for at in range(0, 16000, 320):
        one.hear(audio[at : at + 320])
    await asyncio.sleep(0.02)
    assert asked == ["rtc-vad_0"] and not one.is_behind
    held.set()
    async with asyncio.timeout(10):
        while not measured:
            await asyncio.sleep(0.005)
    assert measured[0].speech_s > 0.3 and measured[0].speaking
    one.close()


async def test_it_may_fail_too():
    class Failing(OfFastRTCsShape):
        def vad(self, audio, options):
            raise RuntimeError("no more memory")

    one = listener(Failing())
    one.hear(np.zeros(16000, np.int16))
    async with asyncio.timeout(10):
        while not one.is_behind:
            await asyncio.sleep(0.005)
    with pytest.raises(RuntimeError, match="no more memory"):
        await one.keep_up()


def test_silero_can_be_asked_as_fastrtc_does():
    """By its `vad()`, as a model of another make: it judges whole chunks, and so answers later."""

    class OnlyVad:
        vad = staticmethod(get_silero_model().vad)
        warmup = staticmethod(get_silero_model().warmup)

    answer, fn = answering(0.2)
    result, [(_, end)] = call(ReplyOnPause(fn, model=OnlyVad()), 0.5, QUESTION, 2.5)
    assert len(answer.turns) == 1
    assert 0.4 < result.pieces[0][0] - end < 1.4
