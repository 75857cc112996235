"""Turns that are cut, held and triggered."""

import pytest

from rtc.core.turn_events import Held, Interrupted, Resumed, StartedTalking, TurnOver
from rtc.core.turn_options import AlgoOptions, SileroVadOptions
from rtc.core.turns import PRE_ROLL_S, State
from tests.core.talks import Talk, near, replied


def turns_of(talk):
    return [event for _, event in talk.events if isinstance(event, TurnOver)]


@pytest.mark.parametrize(
    "options",
    [
        {"algo": AlgoOptions(max_continuous_speech_s=1.0)},
        {"longest_s": 1.0},
    ],
)
@pytest.mark.parametrize("heard", [True, False])
def test_a_long_turn_is_cut_and_goes_on_in_the_next(options, heard):
    talk = Talk(**options)
    for _ in range(10):
        if talk.hear(0.35) and heard:
            talk.turns.audible()
    talk.hear(-0.6)
    found = turns_of(talk)
    assert [turn.end_s - turn.begin_s for turn in found[:-1]] == [near(1.0)] * 3
    assert [turn.begin_s for turn in found[1:]] == [turn.end_s for turn in found[:-1]]
    assert found[-1].end_s == near(4.0)


def test_the_longest_piece_of_speech_that_the_model_finds_cuts_no_turn():
    talk = Talk(vad=SileroVadOptions(max_speech_duration_s=1.0))
    talk.hear(3.5, -0.6)
    [turn] = turns_of(talk)
    assert turn.end_s - turn.begin_s == near(4.0)


def test_speech_that_has_just_begun_is_no_pause_whatever_the_threshold():
    talk = Talk(algo=AlgoOptions(speech_threshold=0.5))
    talk.hear(-1.0, 1.5, -0.6)
    [turn] = turns_of(talk)
    assert turn.begin_s == near(1.0 - PRE_ROLL_S) and turn.end_s > 2.5


def test_a_cut_behind_the_last_word_leaves_no_turn():
    talk = Talk(algo=AlgoOptions(max_continuous_speech_s=1.0))
    talk.hear(-1.0, 0.75, -0.6)
    assert len(turns_of(talk)) == 1 and talk.turns.state is State.ANSWERING
    talk.turns.audible()
    assert talk.turns.state is State.REPLYING


def test_a_cut_turn_whose_reply_is_over_already():
    talk = Talk(algo=AlgoOptions(max_continuous_speech_s=1.0))
    talk.hear(-1.0, 0.75, -0.1)
    talk.turns.reply_over()
    assert talk.turns.state is State.TALKING
    talk.hear(-0.6)
    assert len(turns_of(talk)) == 1 and talk.turns.state is State.LISTENING


def test_what_is_said_on_during_a_reply_that_can_not_be_interrupted_waits_for_its_end():
    talk = Talk(algo=AlgoOptions(max_continuous_speech_s=1.0), can_interrupt=False)
    talk.hear(1.1)
    talk.turns.audible()
    talk.hear(1.7, -0.6)
    (first,) = turns_of(talk)
    assert talk.turns.keep_from_s <= first.end_s
    talk.note(talk.turns.reply_over())
    first, second = turns_of(talk)
    assert (second.begin_s, second.end_s) == (first.end_s, near(3.07))
    assert talk.turns.state is State.ANSWERING
    assert talk.turns.reply_over() == ()


def test_a_reply_that_ends_while_the_user_talks_on():
    talk = Talk(algo=AlgoOptions(max_continuous_speech_s=1.0), can_interrupt=False)
    talk.hear(2.2)
    assert len(turns_of(talk)) == 1
    talk.note(talk.turns.reply_over())
    assert len(turns_of(talk)) == 2 and talk.turns.state is State.TALKING_ON
    talk.turns.reply_over()
    assert talk.turns.state is State.TALKING


# Holding ---------------------------------------------------------------------------------------------------------

NOT_SHORT = {"resume": True, "vad": SileroVadOptions(min_speech_duration_ms=500)}


@pytest.mark.parametrize("audible", [True, False])
def test_a_noise_holds_a_reply(audible):
    talk = replied(**NOT_SHORT)
    if not audible:
        talk = Talk(**NOT_SHORT)
        talk.hear(-1.0, 1.0, -1.0)
    state = talk.turns.state
    assert talk.hear(0.3) == [Held()]
    assert talk.turns.state is State.HELD
    assert talk.hear(-0.6) == [Resumed()]
    assert talk.turns.state is state


def test_a_turn_stops_a_held_reply():
    talk = replied(**NOT_SHORT)
    onset_s = talk.now_s
    assert talk.hear(0.6) == [Held(), Interrupted(going_on=False), StartedTalking()]
    (turn,) = talk.hear(-0.6)
    assert turn.begin_s == near(onset_s - PRE_ROLL_S)


# Triggers --------------------------------------------------------------------------------------------------------


def test_triggers():
    talk = Talk()
    talk.hear(-1.0)
    (empty,) = talk.turns.trigger(talk.now_s)
    assert empty.begin_s == empty.end_s == near(1.0)
    assert talk.turns.trigger(talk.now_s) == (), "a reply is under way"
    talk.turns.reply_over()
    talk.hear(-0.5, 0.4)
    (turn,) = talk.turns.trigger(talk.now_s)
    assert (turn.begin_s, turn.end_s) == (near(1.3), near(1.9))


def test_speech_before_a_trigger_does_not_interrupt_the_reply_to_it():
    talk = Talk()
    talk.hear(-1.0, 1.0)
    talk.turns.trigger(talk.now_s)
    talk.events.clear()
    assert talk.hear(0.15, -1.0) == []


def test_a_trigger_takes_speech_that_began_no_turn_yet():
    talk = Talk()
    talk.hear(-1.0, 0.1)
    (turn,) = talk.turns.trigger(talk.now_s)
    assert turn.begin_s == near(0.8)


def test_push_to_talk():
    talk = Talk()
    for tenth in range(1, 21):
        assert talk.turns.passed(tenth / 10) == ()
    assert talk.turns.begin(2.0) == (StartedTalking(),)
    assert talk.turns.begin(2.1) == ()
    assert talk.turns.trigger(3.0) == (TurnOver(begin_s=2.0 - PRE_ROLL_S, end_s=3.0),)
    talk.turns.audible()
    assert talk.turns.begin(5.0) == (Interrupted(going_on=False), StartedTalking())
    assert talk.turns.trigger(6.0) == (TurnOver(begin_s=5.0 - PRE_ROLL_S, end_s=6.0),)
    assert talk.turns.begin(6.5) == (Interrupted(going_on=True), StartedTalking()), "none of it was audible"
    assert talk.turns.trigger(7.0) == (TurnOver(begin_s=5.0 - PRE_ROLL_S, end_s=7.0),)


def test_push_to_talk_has_a_limit():
    talk = Talk(longest_s=3.0)
    talk.turns.begin(1.0)
    found = [event for tenth in range(10, 80) for event in talk.turns.passed(tenth / 10)]
    assert [turn.end_s - turn.begin_s for turn in found] == [pytest.approx(3.0)] * 2


def test_push_to_talk_leaves_a_reply_alone_that_can_not_be_interrupted():
    talk = replied(can_interrupt=False)
    assert talk.turns.begin(talk.now_s) == ()
