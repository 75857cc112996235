"""Handlers that find pauses themselves, as FastRTC documents it: `determine_pause` and `process_audio` overridden."""

import asyncio
import threading

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

from rtc import AlgoOptions, AppState, ReplyOnPause, ReplyOnStopWords, Stream, create_message, get_current_context
from rtc.testing import CallClient, run_call, run_virtual
from tests.subjects import level
from tests.test_replies import answering, clears, texts
from tests.voices import QUESTION, RATE, conversation

LOUD = 2000
FRAME = RATE // 50


def beep(seconds=0.1):
    """What a radio ends a turn with."""
    return np.full(round(seconds * RATE), 12000, np.int16)


class WalkieTalkie(ReplyOnPause):
    """A turn is over at the beep, whatever pauses are in it."""

    threads: list[threading.Thread]
    sessions: list[str]

    def determine_pause(self, audio, sampling_rate, state):
        if audio.size < sampling_rate // 10:
            return False
        self.threads.append(threading.current_thread())
        self.sessions.append(get_current_context().webrtc_id)
        if not state.started_talking and np.abs(audio).max() > LOUD:
            state.started_talking = True
            self.send_message_sync(create_message("log", "started_talking"))
        if state.started_talking:
            state.stream = audio if state.stream is None else np.concatenate((state.stream, audio))
        state.buffer = None
        return bool(state.started_talking and np.median(audio) > 10000)


def listening(kind, seconds=1.0, **settings):
    """A handler that serves one session, and what notes its replies."""
    reply, fn = answering(seconds=seconds)
    handler = kind(fn, **settings)
    handler.threads, handler.sessions, handler.seen = [], [], []
    handler.copy = lambda: handler
    return handler, reply


def spoken(*parts):
    return np.concatenate([conversation(part)[0] if not isinstance(part, np.ndarray) else part for part in parts])


def test_a_turn_is_over_when_the_handler_says_so():
    handler, reply = listening(WalkieTalkie)
    audio = spoken(0.5, QUESTION, 1.5, QUESTION, 0.5, beep(), 2.0)
    result = run_call(Stream(handler), (RATE, audio))
    assert result.end_reason == "client_stop", result.errors
    [(rate, samples)] = reply.turns
    assert rate == RATE and samples.dtype == np.int16 and samples.shape[0] == 1
    begin = round(0.5 * RATE)
    end = audio.size - 2 * RATE
    # From the tenth of a second in which it began to that of the beep.
    assert abs(samples.shape[1] - (end - begin)) <= 0.3 * RATE
    # What is left of the beep begins another.
    assert texts(result)[:3] == ["started_talking", "pause_detected", "response_starting"]
    assert sum(piece.size for _, piece in result.pieces) == RATE
    assert {thread.name for thread in handler.threads} == {"rtc determine_pause"} and set(handler.sessions) == {"test"}


def test_a_reply_is_interrupted_by_the_end_of_the_next_turn():
    handler, reply = listening(WalkieTalkie, seconds=20)
    audio = spoken(0.5, QUESTION, beep(), 2.0, QUESTION, beep(), 1.0)
    result = run_call(Stream(handler), (RATE, audio))
    assert len(reply.turns) == 2 and len(clears(result)) == 1
    assert reply.closed_at[0] < audio.size / RATE


def test_nobody_is_listened_to_during_a_reply_that_can_not_be_interrupted():
    handler, reply = listening(WalkieTalkie, seconds=4, can_interrupt=False)
    audio = spoken(0.5, QUESTION, beep(), 0.5, QUESTION, beep(), 4.0, QUESTION, beep(), 1.0)
    result = run_call(Stream(handler), (RATE, audio))
    assert len(reply.turns) == 2 and not clears(result)


class Denoised(ReplyOnPause):
    """Works on the audio before it is looked at."""

    seen: list[tuple[AppState, bool]]

    def process_audio(self, audio, state):
        self.seen.append((state, state.responding))
        super().process_audio((audio[0], audio[1] // 2), state)


def test_the_audio_that_process_audio_hands_on_is_what_turns_are_cut_from():
    handler, reply = listening(Denoised, seconds=0.5)
    audio = spoken(0.5, QUESTION, 2.0)
    result = run_call(Stream(handler), (RATE, audio))
    [(_, samples)] = reply.turns
    assert texts(result) == ["started_talking", "pause_detected", "response_starting"]
    loudest = np.abs(samples).max() / np.abs(audio).max()
    assert 0.45 < loudest < 0.55
    question_s = conversation(QUESTION)[0].size / RATE
    assert question_s < samples.shape[1] / RATE < question_s + 1.3  # whole chunks of 0.6 s
    assert handler.seen[0][0] is not handler.seen[-1][0]
    responding = [responding for _, responding in handler.seen]
    assert not responding[0] and not responding[-1] and 20 <= sum(responding) <= 35  # frames of 20 ms


@pytest.mark.parametrize(
    ("options", "limit_s"), [({}, 1.5), ({"algo_options": AlgoOptions(max_continuous_speech_s=1.2)}, None)]
)
def test_a_turn_that_grows_too_long_is_handed_over(options, limit_s, settings):
    if limit_s:
        settings.RTC_MAX_UTTERANCE_S = limit_s
    handler, reply = listening(Denoised, seconds=0.1, **options)
    audio = spoken(0.5, "My number is four seven one, nine nine two, and then three four five six seven.", 1.5)
    run_call(Stream(handler), (RATE, audio))
    assert len(reply.turns) >= 2
    assert all(samples.shape[1] / RATE < 2.2 for _, samples in reply.turns)


class Hoarding(ReplyOnPause):
    """Never looks at anything."""

    def determine_pause(self, audio, sampling_rate, state):
        self.longest = audio.size
        return False


def test_what_a_handler_does_not_look_at_is_bounded(settings):
    settings.RTC_MAX_UTTERANCE_S = 1.0
    handler, _ = listening(Hoarding)
    run_call(Stream(handler), (RATE, np.zeros(3 * RATE, np.int16)))
    assert RATE <= handler.longest <= 1.1 * RATE


class Triggered(WalkieTalkie):
    def set_args(self, args):
        super().set_args(args)
        self.trigger_response()


@pytest.mark.parametrize(("before", "least_s", "most_s"), [((0.5,), 0.0, 0.0), ((0.2, QUESTION), 0.5, 5.0)])
def test_a_message_can_be_replied_to_as_a_turn_is(before, least_s, most_s):
    """FastRTC's text beside speech: `set_input`, then `trigger_response`."""
    handler, reply = listening(Triggered, seconds=0.3)
    audio = spoken(*before, 3.0)
    typed_at = spoken(*before).size

    async def talk():
        client = CallClient(Stream(handler))
        await client.start(media_format={"encoding": "pcm_s16le", "sample_rate": RATE, "framing": "binary"})
        await client.until(lambda client: client.frames)
        for first in range(0, audio.size, FRAME):
            if first <= typed_at < first + FRAME:
                assert client.give_input("typed")
            await client.send(audio[first : first + FRAME].tobytes())
            await asyncio.sleep(FRAME / RATE)
        await client.stop()
        await client.until_closed()

    run_virtual(talk())
    [(rate, samples)] = reply.turns
    assert rate == RATE and least_s <= samples.size / RATE <= most_s


def test_what_it_raises_ends_the_session_as_in_any_callback(caplog):
    class Broken(ReplyOnPause):
        def determine_pause(self, audio, sampling_rate, state):
            raise LookupError("no idea")

    result = run_call(Stream(Broken(answering()[1])), level(1000, 0.5), seconds=2)
    assert (result.end_reason, result.close_code) == ("handler_failed", 4500)
    assert "LookupError: no idea" in caplog.text


@pytest.mark.parametrize("name", ["determine_pause", "process_audio"])
def test_what_is_async_is_refused(name, caplog):
    async def callback(*args):
        return True

    handler = type("Waiting", (ReplyOnPause,), {name: callback})(answering()[1])
    result = run_call(Stream(handler), level(1000, 0.5), seconds=1)
    assert result.end_reason == "handler_failed"
    assert f"write `def {name}`" in caplog.text


def test_its_thread_ends_with_the_session():
    handler, _ = listening(WalkieTalkie)
    run_call(Stream(handler), (RATE, spoken(0.3, QUESTION, beep(), 0.5)))
    assert handler.threads
    for thread in {*handler.threads}:
        thread.join(5)
        assert not thread.is_alive()


def test_a_client_that_presses_a_button_ends_its_turns_itself():
    handler, reply = listening(WalkieTalkie, push_to_talk=True)
    result = run_call(Stream(handler), (RATE, spoken(0.3, QUESTION, beep(), 1.0)))
    assert result.end_reason == "client_stop" and not handler.threads and not reply.turns


def test_stop_words_and_own_pauses_do_not_go_together():
    class Listening(ReplyOnStopWords):
        def process_audio(self, audio, state):
            super().process_audio(audio, state)

    with pytest.raises(ImproperlyConfigured, match="Listening finds pauses itself: no stop word would be heard"):
        Listening(answering()[1], ["hello"], stt=lambda audio: "")
