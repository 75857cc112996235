import pytest

from rtc.core.speech import UNDER_WAY
from rtc.core.turn_events import Interrupted, StartedTalking, TurnOver
from rtc.core.turn_options import AlgoOptions, SileroVadOptions, TurnOptions
from rtc.core.turns import _ROWS, LONGEST_ONSET_S, PRE_ROLL_S, REACTION_S, Cue, State
from rtc.core.windows import WINDOW_S
from tests.core.talks import LOUD, SPEECH, Talk, near, replied

QUIET = 1e-5
NO_SHORTEST = SileroVadOptions(min_speech_duration_ms=0)


def test_a_turn_begins_with_speech_and_is_over_after_a_pause():
    talk = Talk()
    assert talk.hear(-1.0, 1.0) == [StartedTalking()]
    assert talk.hear(-1.0) == [TurnOver(begin_s=near(1.0 - PRE_ROLL_S), end_s=near(2.5))]
    (started_s, _), (over_s, turn) = talk.events
    assert started_s == near(1.26) and over_s == near(2.5) == turn.end_s


def test_fastrtcs_names_and_defaults():
    assert AlgoOptions() == AlgoOptions(0.6, 0.2, 0.1, float("inf"))
    assert SileroVadOptions() == SileroVadOptions(0.5, 250, float("inf"), 2000, 1024, 400)


@pytest.mark.parametrize(
    "speech_s, options, starts_after_s",
    [
        (0.20, {}, None),
        (0.22, {}, None),  # shorter than min_speech_duration_ms
        (0.30, {}, 0.26),
        (0.22, {"vad": NO_SHORTEST}, 0.22),
        (0.30, {"vad": SileroVadOptions(min_speech_duration_ms=500)}, None),
        (0.40, {"algo": AlgoOptions(started_talking_threshold=0.35)}, 0.35),
        (0.40, {"algo": AlgoOptions(started_talking_threshold=0.5)}, None),
        (0.40, {"algo": AlgoOptions(audio_chunk_duration=0.2, speech_threshold=0.02)}, 0.26),
    ],
)
def test_how_much_speech_begins_a_turn(speech_s, options, starts_after_s):
    talk = Talk(**options)
    events = talk.hear(-1.0, speech_s, -0.1)
    assert events == ([] if starts_after_s is None else [StartedTalking()])
    if events:
        assert talk.events[0][0] == near(1.0 + starts_after_s)


@pytest.mark.parametrize(
    "algo, pause_s",
    [
        (AlgoOptions(), 0.51),
        (AlgoOptions(speech_threshold=0.3), 0.32),
        (AlgoOptions(audio_chunk_duration=1.0), 0.92),
        (AlgoOptions(audio_chunk_duration=0.2, speech_threshold=0.02), 0.19),
    ],
)
def test_how_long_a_pause_is(algo, pause_s):
    talk = Talk(algo=algo)
    talk.hear(-1.0, 1.0)
    assert talk.hear(-(pause_s - 0.05)) == []
    assert [type(event) for event in talk.hear(-0.1)] == [TurnOver]
    assert talk.events[-1][0] == near(2.0 + pause_s)


def test_short_pauses_are_in_a_turn():
    talk = Talk()
    talk.hear(-1.0, 0.5, -0.4, 0.5, -0.4, 0.5, -0.6)
    (turn,) = [event for _, event in talk.events if isinstance(event, TurnOver)]
    assert (turn.begin_s, turn.end_s) == (near(0.8), near(3.81))


def test_a_pause_is_none_when_sound_is_back_already():
    """Before the model takes it for speech: the pause was as long as one may be, and the turn goes on."""
    talk = Talk()
    talk.judge([(0.0, QUIET)] * 30 + [SPEECH] * 30 + [(0.0, QUIET)] * 15)
    assert talk.judge([(0.1, LOUD)] * 2 + [SPEECH] * 20) == []
    assert len(talk.judge([(0.0, QUIET)] * 16)) == 1


def test_a_turn_begins_before_the_speech_that_was_too_little_to_be_noticed():
    talk = Talk()
    assert talk.hear(-2.0, 0.1, -0.3, 0.1, -0.3) == []
    talk.hear(0.5, -0.6)
    assert talk.events[-1][1].begin_s == near(2.0 - PRE_ROLL_S)


def test_but_not_for_ever():
    talk = Talk()
    talk.hear(-1.0, *(10 * (0.1, -0.4)), 0.5, -0.6)
    started_s = talk.events[0][0]
    assert talk.events[-1][1].begin_s == near(started_s - LONGEST_ONSET_S - PRE_ROLL_S)


def test_turns_do_not_overlap():
    talk = Talk()
    talk.hear(-0.5, 1.0, -0.52)
    talk.turns.audible()
    talk.turns.reply_over()
    talk.hear(-0.05, 1.0, -0.6)
    first, second = [event for _, event in talk.events if isinstance(event, TurnOver)]
    assert second.begin_s == first.end_s


# Barge-in ------------------------------------------------------------------------------------------------------


def test_speech_stops_a_reply_at_its_onset():
    talk = replied()
    onset_s = talk.now_s
    assert talk.hear(0.3) == [Interrupted(going_on=False), StartedTalking()]
    assert talk.events[0][0] == near(onset_s + 0.22)
    (turn,) = talk.hear(-0.6)
    assert turn.begin_s == near(onset_s - PRE_ROLL_S)


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.4, 0.8])
def test_how_much_speech_interrupts(after_s):
    talk = replied(interrupt_after_s=after_s)
    onset_s = talk.now_s
    assert talk.hear(max(0.0, after_s - WINDOW_S)) == []
    talk.hear(0.1)
    assert talk.events[0] == (near(onset_s + after_s + WINDOW_S / 2), Interrupted(going_on=False))


@pytest.mark.parametrize("likely, windows_s", [(UNDER_WAY, 0.192), (UNDER_WAY - 0.01, 0.224)])
def test_speech_that_is_surely_under_way_interrupts_a_window_earlier(likely, windows_s):
    talk = replied()
    onset_s = talk.now_s
    talk.judge([(likely, LOUD)] * 10)
    assert talk.events[0] == (pytest.approx(onset_s + windows_s), Interrupted(going_on=False))


def test_speech_that_is_surely_under_way_begins_no_turn_earlier():
    talk = Talk(vad=NO_SHORTEST)
    talk.hear(-1.0)
    onset_s = talk.now_s
    talk.hear(0.3)
    assert talk.events == [(pytest.approx(onset_s + 0.224), StartedTalking())]


def test_a_reply_that_can_not_be_interrupted():
    talk = replied(can_interrupt=False)
    assert talk.hear(2.0, -1.0) == []
    assert talk.turns.reply_over() == ()
    assert talk.turns.state is State.LISTENING
    assert [type(event) for event in talk.hear(-0.5, 0.5, -0.6)] == [StartedTalking, TurnOver]


def test_nobody_is_listened_to_until_it_is_over():
    talk = replied(can_interrupt=False)
    talk.hear(1.0)
    talk.turns.reply_over()
    over_s = talk.now_s
    talk.hear(0.5, -0.6)
    assert talk.events[-1][1].begin_s == near(over_s - PRE_ROLL_S)


# Going on --------------------------------------------------------------------------------------------------------


def test_going_on_before_the_reply_is_audible():
    talk = Talk()
    talk.hear(-1.0, 1.0, -0.8)
    assert talk.hear(0.4) == [Interrupted(going_on=True), StartedTalking()]
    (turn,) = talk.hear(-0.6)
    assert (turn.begin_s, turn.end_s) == (near(0.8), near(3.7))


@pytest.mark.parametrize("lead_s, going_on", [(0.15, True), (-REACTION_S / 2, True), (-2 * REACTION_S, False)])
def test_what_begins_before_a_reply_can_have_been_heard_goes_on(lead_s, going_on):
    """`lead_s` before the reply is audible the user begins to speak."""
    talk = Talk()
    talk.hear(-1.0, 1.0, -0.8)
    if lead_s > 0:
        talk.hear(lead_s)
        talk.turns.audible()
    else:
        talk.turns.audible()
        talk.hear(lead_s)
    talk.events.clear()
    talk.hear(0.5, -0.6)
    assert talk.events[0][1] == Interrupted(going_on=going_on)
    assert (talk.events[-1][1].begin_s == near(0.8)) is going_on


def test_a_greeting_that_was_not_heard():
    talk = Talk()
    talk.turns.replying()
    assert talk.hear(-1.0, 0.5) == [Interrupted(going_on=False), StartedTalking()]
    (turn,) = talk.hear(-0.6)
    assert turn.begin_s == near(0.8)


# The table -------------------------------------------------------------------------------------------------------


def test_every_state_has_a_row_and_every_cue_a_use():
    assert set(_ROWS) == set(State)
    assert {cue for row in _ROWS.values() for cue in row} == set(Cue)


def test_what_is_not_needed_may_be_forgotten():
    talk = replied()
    talk.hear(-5.0)
    assert talk.turns.keep_from_s == near(talk.now_s - LONGEST_ONSET_S - PRE_ROLL_S)


@pytest.mark.parametrize(
    "options",
    [
        {"algo": AlgoOptions(audio_chunk_duration=0.01)},
        {"algo": AlgoOptions(speech_threshold=0.0)},
        {"algo": AlgoOptions(speech_threshold=0.61)},
        {"algo": AlgoOptions(started_talking_threshold=-0.1)},
        {"algo": AlgoOptions(max_continuous_speech_s=0.0)},
        {"interrupt_after_s": -1.0},
    ],
)
def test_options_that_contradict_each_other(options):
    with pytest.raises(ValueError, match="_duration|_threshold|_s"):
        TurnOptions(**options)
