"""Barge-in, going on, holding and push-to-talk, in whole calls with real speech and the real model in virtual time."""

import asyncio
import threading

import numpy as np
import pytest

from rtc import AlgoOptions, ReplyOnPause, SileroVadOptions, Stream, get_current_reply
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.testing import CallClient, virtual_time
from tests.subjects import level
from tests.test_replies import STORY, answering, call, clears, logs, seconds_of, texts
from tests.voices import QUESTION, RATE, conversation

INTERRUPTION = "No, wait, I meant something else."
COUGH = "Ah!"
BINARY = MediaFormat(encoding=Encoding.PCM_S16LE, sample_rate=RATE, framing=Framing.BINARY)


def test_speech_stops_the_reply_at_its_onset():
    answer, fn = answering(60.0)
    result, [_, (begin, end)] = call(ReplyOnPause(fn), 0.5, QUESTION, 2.0, INTERRUPTION, 2.0)
    (cleared, *_) = clears(result)
    assert begin < cleared < begin + 0.2 + 0.1 < end
    sent_before = [time_s for time_s, _ in result.pieces if time_s < end]
    assert sent_before[-1] <= cleared, "nothing of the reply is sent any more"
    assert answer.closed_at[0] == pytest.approx(cleared, abs=0.01), "the generator's finally has run"
    first_reply = next(time_s for time_s, _ in result.pieces)
    assert answer.heard_s[0] == pytest.approx(cleared - first_reply, abs=0.05)
    assert len(answer.turns) == 2
    assert seconds_of(answer.turns[1]) == pytest.approx(end - begin + 0.7, abs=0.3)
    assert texts(result)[3:6] == ["started_talking", "pause_detected", "response_starting"]


def test_a_reply_that_is_all_made_is_stopped_too():
    """All of it is queued long before it is heard."""
    heard = []

    async def fn(audio):
        heard.append(audio)
        return level(1000, 10.0)

    result, [_, (begin, end)] = call(ReplyOnPause(fn), 0.5, QUESTION, 2.0, INTERRUPTION, 2.0)
    assert begin < clears(result)[0] < begin + 0.3
    assert len(heard) == 2


def test_a_sync_generator_is_closed_in_its_thread():
    threads, closed = [], []

    def fn(audio):
        threads.append(threading.current_thread())
        try:
            while True:
                yield level(1000, 0.1)
        finally:
            closed.append((threading.current_thread(), get_current_reply().interrupted))

    call(ReplyOnPause(fn), 0.5, QUESTION, 1.5, INTERRUPTION, 1.5)
    assert [thread for thread, _ in closed] == threads
    assert [interrupted for _, interrupted in closed] == [True, True]  # the second by the end of the call
    assert len(set(threads)) == 2


def test_more_speech_can_be_asked_for_to_interrupt():
    answer, fn = answering(10.0)
    result, [_, (begin, _)] = call(ReplyOnPause(fn, interrupt_after_s=0.5), 0.5, QUESTION, 2.0, QUESTION, 2.0)
    assert begin + 0.5 < clears(result)[0] < begin + 0.7


def test_a_reply_that_can_not_be_interrupted():
    answer, fn = answering(4.0)
    result, _ = call(ReplyOnPause(fn, can_interrupt=False), 0.5, QUESTION, 2.0, INTERRUPTION, 4.0, QUESTION, 2.0)
    assert not [time_s for time_s in clears(result)]
    assert len(answer.turns) == 2, "what was said during the reply is no turn"
    assert sum(texts(result).count(text) for text in ("started_talking",)) == 2


def test_marks_tell_what_was_heard():
    heard = []

    async def fn(audio):
        reply = get_current_reply()
        if reply.previous is not None:
            heard.append(reply.previous.heard_marks)
        for sentence in ("one", "two", "three", "four"):
            yield level(1000, 0.8)
            reply.mark(sentence)

    class Noting(ReplyOnPause):
        def replied(self, reply):
            heard.append((reply.heard_marks, reply.heard_s, reply.interrupted))

    call(Noting(fn), 0.5, QUESTION, 2.5, INTERRUPTION, 6.0)
    (marks, heard_s, interrupted), seen_by_the_next, (last_marks, last_heard_s, was_interrupted) = heard
    assert interrupted and 0.8 < heard_s < 3.2
    assert marks == ["one", "two", "three"][: int(heard_s / 0.8)] == seen_by_the_next
    assert (last_marks, last_heard_s, was_interrupted) == (["one", "two", "three", "four"], pytest.approx(3.2), False)


def test_outside_a_reply_there_is_none():
    with pytest.raises(RuntimeError, match="no reply"):
        get_current_reply()


# Going on ------------------------------------------------------------------------------------------------------


def test_a_user_who_goes_on_before_the_reply_is_heard_is_answered_as_a_whole():
    answer, fn = answering(1.0, delay_s=1.0)
    result, [(begin, _), (_, end)] = call(ReplyOnPause(fn), 0.5, QUESTION, 0.9, INTERRUPTION, 3.0)
    first, second = answer.turns
    assert seconds_of(second) == pytest.approx(end - begin + 0.7, abs=0.3)
    assert np.array_equal(first[1][0], second[1][0, : first[1].size]), "the same turn, and more"
    assert not clears(result), "nothing was heard that could be dropped"
    assert len(answer.closed_at) == 2
    assert texts(result).count("response_starting") == 1


def test_a_reply_that_begins_while_the_user_goes_on_is_dropped():
    """It was made quickly, but the user had spoken on before they can have heard it."""
    answer, fn = answering(2.0)
    parts = conversation(0.5, QUESTION, 0.62, INTERRUPTION, 3.0)
    result, [(begin, _), (_, end)] = call(ReplyOnPause(fn), 0.5, QUESTION, 0.62, INTERRUPTION, 3.0)
    assert len(parts[1]) == 2 and len(answer.turns) == 2
    assert seconds_of(answer.turns[1]) == pytest.approx(end - begin + 0.7, abs=0.3)
    assert len(clears(result)) == 1


def test_speech_after_the_reply_began_is_a_turn_of_its_own():
    answer, fn = answering(5.0)
    _, [_, (begin, end)] = call(ReplyOnPause(fn), 0.5, QUESTION, 1.2, INTERRUPTION, 3.0)
    assert seconds_of(answer.turns[1]) == pytest.approx(end - begin + 0.7, abs=0.3)


def test_a_turn_as_long_as_it_may_get_is_cut_and_loses_nothing():
    answer, fn = answering(0.1)
    options = AlgoOptions(max_continuous_speech_s=1.0)
    parts = 0.5, STORY, 3.0
    _, [(begin, end)] = call(ReplyOnPause(fn, algo_options=options), *parts)
    audio, _ = conversation(*parts)
    assert [seconds_of(turn) for turn in answer.turns[:-1]] == [pytest.approx(1.0, abs=0.04)] * 2
    said = np.concatenate([turn[1][0] for turn in answer.turns])
    offset = round((begin - 0.2) * RATE)
    found = next(at for at in range(offset - 2400, offset + 2400) if np.array_equal(audio[at : at + 99], said[:99]))
    assert np.array_equal(audio[found : found + said.size], said), "end to end, nothing is missing or twice there"
    assert found + said.size > end * RATE


def test_the_longest_turn_of_all(settings):
    settings.RTC_MAX_UTTERANCE_S = 1.0
    answer, fn = answering(0.1)
    call(ReplyOnPause(fn), 0.5, STORY, 2.0)
    assert len(answer.turns) == 3


# Holding ---------------------------------------------------------------------------------------------------------

SHORT_IS_NO_TURN = SileroVadOptions(min_speech_duration_ms=900)


def counting(reply_s=4.0):
    """A reply in which each tenth of a second has a level of its own."""
    closed = []

    async def fn(audio):
        try:
            for count in range(round(reply_s * 10)):
                yield level(1000 + 100 * count, 0.1, RATE)
        finally:
            closed.append(asyncio.get_running_loop().time())

    return closed, fn


def levels(samples):
    """Runs of the same level: [(level, seconds)]."""
    edges = np.flatnonzero(np.diff(samples)) + 1
    return [(int(run[0]), run.size / RATE) for run in np.split(samples, edges) if run.size]


@pytest.mark.parametrize("reply_s", [4.0, 1.5])
def test_a_noise_too_short_to_be_a_turn_holds_the_reply(reply_s):
    """The shorter one is all made, and its end is being played, when it is held."""
    closed, fn = counting(reply_s)
    handler = ReplyOnPause(
        fn, model_options=SHORT_IS_NO_TURN, resume=True, output_sample_rate=RATE, interrupt_after_s=0.15
    )
    result, [_, (begin, end)] = call(handler, 0.5, STORY, 1.3, COUGH, 6.0)
    (cleared,) = clears(result)
    assert begin < cleared < end + 0.1
    after = [(time_s, samples) for time_s, samples in result.pieces if time_s > cleared]
    assert after[0][0] > end + 0.4, "silence until it is clear that it was no turn"
    first_s = result.pieces[0][0]
    heard = round((cleared - first_s) * RATE)
    before = np.concatenate([samples for time_s, samples in result.pieces if time_s <= cleared])[:heard]
    rest = np.concatenate([samples for _, samples in after])
    played = levels(np.concatenate([before, rest]))
    assert [value for value, _ in played] == [1000 + 100 * count for count in range(round(reply_s * 10))]
    assert all(seconds == pytest.approx(0.1, abs=0.045) for _, seconds in played), "it goes on where it was heard to"
    assert sum(seconds for _, seconds in played) == pytest.approx(reply_s, abs=0.05)
    assert len(closed) == 1 and texts(result).count("pause_detected") == 1


def test_marks_of_a_held_reply_come_in_their_places():
    heard = []

    async def fn(audio):
        for count in range(4):
            yield level(1000, 1.0)
            get_current_reply().mark(str(count))

    class Noting(ReplyOnPause):
        def marked(self, name):
            super().marked(name)
            heard.append((name, asyncio.get_running_loop().time()))

        def replied(self, reply):
            heard.append((reply.heard_marks, reply.heard_s))

    handler = Noting(fn, model_options=SHORT_IS_NO_TURN, resume=True, interrupt_after_s=0.15)
    result, _ = call(handler, 0.5, STORY, 1.5, COUGH, 6.0)
    first_s, (cleared,) = result.pieces[0][0], clears(result)
    resumed = next(time_s for time_s, _ in result.pieces if time_s > cleared)
    *marked, last = [entry for entry in heard if entry[0] != "3"]
    assert last == (["0", "1", "2", "3"], pytest.approx(4.0))
    expected = [first_s + at + (resumed - cleared if first_s + at > cleared else 0) for at in (1.0, 2.0, 3.0)]
    assert [name for name, _ in marked] == ["0", "1", "2"]
    assert [time_s for _, time_s in marked] == pytest.approx(expected, abs=0.06)


def test_a_held_reply_is_stopped_when_it_was_a_turn():
    answer, fn = answering(60.0)
    handler = ReplyOnPause(fn, model_options=SHORT_IS_NO_TURN, resume=True)
    result, [_, (begin, _)] = call(handler, 0.5, STORY, 1.5, QUESTION, 1.5)
    assert answer.closed_at[0] == pytest.approx(begin + 0.95, abs=0.15)
    assert begin < clears(result)[0] < begin + 0.3
    assert texts(result).count("pause_detected") == 2


@virtual_time
async def test_a_client_that_wants_to_hear_no_more():
    replies = []

    async def greet():
        for _ in range(600):
            yield level(1000, 0.1)

    class Noting(ReplyOnPause):
        def replied(self, reply):
            replies.append(reply)

    client = CallClient(Stream(Noting(answering()[1], startup_fn=greet)))
    await client.start(media_format=BINARY.to_wire())
    await asyncio.sleep(2.0)
    await client.say(event="clear")
    await asyncio.sleep(0.01)
    sent = len(client.payloads)
    await asyncio.sleep(1.0)
    assert len(client.payloads) == sent
    assert [frame.get("event") for _, frame in client.frames if isinstance(frame, dict)].count("clear") == 1
    (reply,) = replies
    assert reply.interrupted and reply.heard_s == pytest.approx(2.0, abs=0.05)
    await client.say(event="clear")
    await client.stop()
    await client.until_closed()
    assert len(replies) == 1


def test_what_is_resumed_is_what_was_emitted():
    buffer = np.zeros(RATE // 10, np.int16)

    async def fn(audio):
        for count in range(40):
            buffer[:] = 1000 + 100 * count
            yield RATE, buffer

    handler = ReplyOnPause(
        fn, model_options=SHORT_IS_NO_TURN, resume=True, output_sample_rate=RATE, interrupt_after_s=0.15
    )
    result, _ = call(handler, 0.5, STORY, 1.3, COUGH, 6.0)
    assert clears(result)
    assert [value for value, _ in levels(result.audio[1])][-10:] == [1000 + 100 * count for count in range(30, 40)]


@virtual_time
async def test_an_own_shutdown_may_forget_the_replies():
    """As those of handlers written for FastRTC do, whose `ReplyOnPause` has none."""
    ended = []

    async def greet():
        try:
            while True:
                yield level(1000, 0.1)
        finally:
            ended.append("reply")

    class Own(ReplyOnPause):
        def shutdown(self):
            ended.append("shutdown")

    client = CallClient(Stream(Own(greet, startup_fn=greet)))
    await client.start()
    await client.until(lambda client: client.payloads)
    await client.stop()
    await client.until_closed()
    assert ended == ["shutdown", "reply"]


# Push-to-talk ----------------------------------------------------------------------------------------------------


@virtual_time
async def test_the_client_says_when_a_turn_begins_and_ends():
    answer, fn = answering(5.0)
    client = CallClient(Stream(ReplyOnPause(fn, push_to_talk=True, input_sample_rate=RATE)))
    await client.start(media_format=BINARY.to_wire())
    await client.until(lambda client: client.frames)

    async def send(value, seconds):
        for _ in range(round(seconds * 50)):
            await client.send(np.full(RATE // 50, value, "<i2").tobytes())
            await asyncio.sleep(0.02)

    async def press(name):
        await client.say(event="mark", mark={"name": name})

    await send(1, 2.0)
    await press("rtc.turn.begin")
    await send(2, 1.0)
    await press("rtc.turn.end")
    await send(3, 1.0)
    (turn,) = answer.turns
    samples = turn[1][0]
    assert (samples == 2).sum() == RATE
    assert (samples == 1).sum() == pytest.approx(0.2 * RATE, abs=RATE / 50), "what was said as the button went down"
    assert (samples == 3).sum() == pytest.approx(0.1 * RATE, abs=RATE / 25), "and as it went up"
    assert client.payloads
    await press("rtc.turn.begin")
    assert answer.closed_at == [] or len(answer.closed_at) == 1
    await send(4, 0.5)
    assert len(answer.closed_at) == 1, "a turn interrupts the reply"
    await press("rtc.turn.end")
    await send(5, 0.5)
    assert len(answer.turns) == 2 and (answer.turns[1][1] == 4).sum() == RATE / 2
    await client.stop()
    await client.until_closed()


@pytest.mark.parametrize(
    ("presses", "can_interrupt", "turns_s"),
    [
        ([(1.0, "begin"), (1.5, "end"), (1.54, "begin"), (3.0, "end")], True, [0.2 + 2.0 + 0.1]),
        ([(1.0, "begin"), (2.0, "end"), (2.2, "begin"), (3.0, "end")], False, [0.2 + 1.0 + 0.1]),
        ([(1.0, "end")], True, []),
        ([(1.0, "begin"), (3.96, "end")], True, []),
    ],
    ids=["up for a moment", "in a reply that nothing stops", "up alone", "up as the session ends"],
)
@virtual_time
async def test_a_button_that_goes_up(presses, can_interrupt, turns_s):
    answer, fn = answering(0.2)
    client = CallClient(
        Stream(ReplyOnPause(fn, push_to_talk=True, can_interrupt=can_interrupt, input_sample_rate=RATE))
    )
    await client.start(media_format=BINARY.to_wire())
    waiting = [(round(at_s * 50), f"rtc.turn.{name}") for at_s, name in presses]
    for frame in range(200):
        while waiting and waiting[0][0] == frame:
            await client.say(event="mark", mark={"name": waiting.pop(0)[1]})
        await client.send(bytes(2 * RATE // 50))
        await asyncio.sleep(0.02)
    await client.stop()
    await client.until_closed()
    assert [seconds_of(turn) for turn in answer.turns] == pytest.approx(turns_s, abs=0.05)


def test_without_push_to_talk_the_marks_mean_nothing():
    answer, fn = answering()

    class Eager(ReplyOnPause):
        async def start_up(self):
            await super().start_up()
            asyncio.get_running_loop().call_later(0.5, self.marked, "rtc.turn.begin")
            asyncio.get_running_loop().call_later(1.0, self.marked, "rtc.turn.end")

    result, _ = call(Eager(fn), 3.0)
    assert not answer.turns and not logs(result)
