"""No sample is lost and none is said twice, on recorded tracks, however the audio is split and whatever is replied.

The audio of a track counts its samples, so that what is handed over tells where it is from.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc.core.recent import RecentAudio
from rtc.core.turn_events import Interrupted, StartedTalking, TurnOver
from rtc.core.turn_options import AlgoOptions, SileroVadOptions
from rtc.core.turns import LONGEST_ONSET_S, PRE_ROLL_S
from rtc.core.windows import SAMPLE_RATE, WINDOW_S, WINDOW_SAMPLES
from tests.core.talks import SILENCE, Talk
from tests.tracks import load

TRACKS = load()
AFTER = [SILENCE] * 40

algos = st.builds(
    AlgoOptions,
    audio_chunk_duration=st.sampled_from([0.2, 0.4, 0.6, 1.0]),
    started_talking_threshold=st.sampled_from([0.05, 0.2, 0.3]),
    speech_threshold=st.sampled_from([0.02, 0.1]),
    max_continuous_speech_s=st.sampled_from([0.7, 2.0, float("inf")]),
)
names = st.sampled_from(sorted(TRACKS))
chunkings = st.lists(st.integers(150, 3000), min_size=1, max_size=8)
replies = st.lists(st.tuples(st.floats(0, 1.5), st.floats(0, 1.5)), min_size=1, max_size=6)


class Listened(Talk):
    """Hears a track in pieces, as a handler does, and replies.

    Args:
        replies: how long after each turn its reply is audible, and how long after that it is over, s.
    """

    def __init__(self, track, sizes, replies, **options):
        super().__init__(**options)
        self.heard = []
        self._track = [*track, *AFTER]
        self._replies = list(replies)
        self._due = []
        self._recent = RecentAudio(10**9)
        self._count = 0
        while self._count < len(self._track) * WINDOW_SAMPLES:
            for size in sizes:
                self._take(size)

    def _take(self, size):
        end = min(self._count + size, len(self._track) * WINDOW_SAMPLES)
        self._recent.add(np.arange(self._count, end))
        self._count = end
        while len(self.flags) < end // WINDOW_SAMPLES:
            self.judge([self._track[len(self.flags)]])
            self._reply()
            self._recent.drop(int(self.turns.keep_from_s * SAMPLE_RATE))

    def note(self, events):
        for event in events:
            if isinstance(event, TurnOver):
                said = self._recent.cut(round(event.begin_s * SAMPLE_RATE), round(event.end_s * SAMPLE_RATE))
                self.heard.append((event, said))
                audible_s, over_s = self._replies[len(self.heard) % len(self._replies)]
                self._due = [(self.now_s + audible_s, "audible"), (self.now_s + audible_s + over_s, "over")]
            elif isinstance(event, Interrupted):
                self._due = []
        return super().note(events)

    def _reply(self):
        while self._due and self._due[0][0] <= self.now_s:
            _, what = self._due.pop(0)
            if what == "audible":
                self.turns.audible()
            else:
                self.note(self.turns.reply_over())


def onset_before(talk, started_s, from_s):
    """Where the speech began that a turn began with: after the last separating silence, and not too far back."""
    algo, vad = talk.options.algo, talk.options.vad
    separation = min(algo.audio_chunk_duration, vad.min_silence_duration_ms / 1000) / WINDOW_S
    index, silent, onset = round(started_s / WINDOW_S), 0, None
    while index > round(from_s / WINDOW_S):
        index -= 1
        silent = 0 if talk.flags[index] else silent + 1
        if silent >= separation:
            break
        onset = index if talk.flags[index] else onset
    return max(onset * WINDOW_S, started_s - LONGEST_ONSET_S)


@settings(deadline=None, max_examples=150)
@given(
    name=names,
    algo=algos,
    sizes=chunkings,
    replies=replies,
    min_speech_ms=st.sampled_from([0, 250]),
    resume=st.booleans(),
)
def test_every_sample_of_what_was_said_is_handed_over_once(name, algo, sizes, replies, min_speech_ms, resume):
    vad = SileroVadOptions(min_speech_duration_ms=min_speech_ms)
    talk = Listened(TRACKS[name], sizes, replies, algo=algo, vad=vad, resume=resume)
    for turn, said in talk.heard:
        first, last = round(turn.begin_s * SAMPLE_RATE), round(turn.end_s * SAMPLE_RATE)
        assert np.array_equal(said, np.arange(first, last)), "it is all there"
    for (before, _), (after, _) in zip(talk.heard, talk.heard[1:], strict=False):
        continued = after.begin_s == before.begin_s and after.end_s > before.end_s
        assert continued or after.begin_s >= before.end_s, "it is said once, or goes on"
    check_that_each_beginning_is_in_a_turn(talk)


def check_that_each_beginning_is_in_a_turn(talk):
    taken_to_s = 0.0
    waiting = []
    for at_s, event in talk.events:
        if isinstance(event, StartedTalking):
            onset_s = onset_before(talk, at_s, taken_to_s)
            waiting.append((max(taken_to_s, onset_s - PRE_ROLL_S), at_s))
        elif isinstance(event, TurnOver):
            if not waiting:
                assert event.begin_s == taken_to_s, "what follows a cut goes on there"
            for begin_s, started_s in waiting:
                assert event.begin_s <= begin_s + 1e-9 and event.end_s >= started_s
            waiting.clear()
            taken_to_s = event.end_s
    assert not waiting, "each turn comes to its end"


@settings(deadline=None, max_examples=20)
@given(name=names, sizes=chunkings)
def test_how_audio_is_split_changes_nothing(name, sizes):
    replies = [(0.3, 0.5), (0.0, 1.0)]
    assert Listened(TRACKS[name], sizes, replies).events == Listened(TRACKS[name], [512], replies).events


@pytest.mark.parametrize("name", TRACKS)
def test_what_was_said_is_heard_in_any_room(name):
    """By and large, the same turns come out however loud the background is: words are neither lost nor made up."""
    talk = Listened(TRACKS[name], [960], [(0.0, 0.0)])
    quiet = Listened(TRACKS[name.split(",")[0] + ", noise at -70 dB"], [960], [(0.0, 0.0)])
    assert talk.heard and abs(len(talk.heard) - len(quiet.heard)) <= 1
    said_s, quiet_said_s = (sum(turn.end_s - turn.begin_s for turn, _ in each.heard) for each in (talk, quiet))
    assert said_s == pytest.approx(quiet_said_s, abs=0.8)
