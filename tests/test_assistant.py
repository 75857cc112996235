import re
from contextvars import copy_context
from datetime import datetime
from types import SimpleNamespace
from unittest.mock import ANY

import numpy as np
import pytest
from django.contrib.auth import get_user_model

from fastrtc_project import streams
from fastrtc_project.assistant.dialogue import ABILITIES, GREETING, LONGEST_COUNT, Dialogue
from fastrtc_project.assistant.models import Note, Notebook, owner_of
from fastrtc_project.assistant.numbers import NUMBER, read, spell
from fastrtc_project.assistant.voice import Conversation
from rtc import AdditionalOutputs, get_stt_model, get_tts_model
from rtc.context import current_session
from rtc.core.audio import to_int16
from rtc.models import Session
from rtc.testing import run_call


class Paper:
    """Notes without a database."""

    def __init__(self):
        self.lines = []

    def add(self, text):
        self.lines.append(text)

    def texts(self):
        return list(self.lines)

    def remove_last(self):
        return self.lines.pop() if self.lines else None

    def clear(self):
        self.lines.clear()


@pytest.fixture
def paper():
    return Paper()


@pytest.fixture
def say(paper):
    dialogue = Dialogue(paper, lambda: datetime(2026, 11, 22, 15, 4))
    return lambda heard: dialogue.answer(heard).text


@pytest.mark.parametrize(
    ("heard", "noted"),
    [
        ("Take a note, call the dentist to-morrow morning.", "call the dentist tomorrow morning"),
        ("Take a note. Buy milk!", "Buy milk"),
        ("Please make a note that the lamp came on Tuesday.", "the lamp came on Tuesday"),
        ("Remember that the meeting is on Thursday at nine.", "the meeting is on Thursday at nine"),
        ("Can you write down: the number is 471-992.", "the number is 471 992"),
        ("Add another note: read the news.", "read the news"),
    ],
)
def test_a_note_is_taken_and_said_back(say, paper, heard, noted):
    assert say(heard) == f"I have noted: {noted}."
    assert paper.lines == [noted]


def test_what_follows_an_empty_note_is_the_note(say, paper):
    assert say("Take a note.") == "What shall I note?"
    assert say("Read my notes to Anna.") == "I have noted: Read my notes to Anna."
    assert paper.lines == ["Read my notes to Anna"]
    say("Take a note.")
    assert say("Never mind.") == "All right."
    assert len(paper.lines) == 1


def test_what_was_answered_too_early_is_taken_back(paper):
    dialogue = Dialogue(paper, datetime.now)
    dialogue.answer("Take a note, buy milk.")
    dialogue.take_back()
    dialogue.answer("Take a note, buy milk and eggs.")
    assert paper.lines == ["buy milk and eggs"]
    for hasty in ("Delete the last note.", "Delete all my notes."):
        dialogue.answer(hasty)
        assert paper.lines == []
        dialogue.take_back()
        assert paper.lines == ["buy milk and eggs"]
    dialogue.answer("Take a note.")
    dialogue.take_back()
    assert dialogue.answer("Take a note. Call Anna.").text == "I have noted: Call Anna."


def test_notes_are_read_counted_and_deleted(say, paper):
    assert say("Read my notes.") == "You have no notes."
    paper.lines = ["buy milk"]
    assert say("How many notes do I have?") == "You have one note."
    assert say("Read my notes.") == "You have one note: buy milk."
    paper.lines.append("call Anna")
    assert say("Please read me my notes") == "You have two notes. One: buy milk. Two: call Anna."
    assert say("Delete the last note.") == "I have deleted: call Anna."
    assert say("Delete all my notes.") == "All your notes are deleted."
    assert say("Delete my notes.") == say("Remove my last note.") == "You have no notes."


@pytest.mark.parametrize("heard", ["What time is it?", "Tell me the time.", "what's the time", "How late is it?"])
def test_the_time_is_told(say, heard):
    assert say(heard) == "It is 3:04 PM."


@pytest.mark.parametrize("heard", ["What day is it?", "What's the date?", "Which day is it today?"])
def test_the_day_is_told(say, heard):
    assert say(heard) == "Today is Sunday, November 22."


@pytest.mark.parametrize(
    ("now", "told"), [((0, 5), "12:05 AM"), ((12, 0), "12:00 PM"), ((23, 59), "11:59 PM"), ((1, 30), "1:30 AM")]
)
def test_noon_and_midnight_are_twelve(paper, now, told):
    dialogue = Dialogue(paper, lambda: datetime(2026, 11, 22, *now))
    assert dialogue.answer("What time is it?").text == f"It is {told}."


@pytest.mark.parametrize(
    ("heard", "counted"),
    [
        ("Please count to five.", "One. Two. Three. Four. Five."),
        ("Count to 3", "One. Two. Three."),
        ("Count from free to seven.", "Three. Four. Five. Six. Seven."),
        ("Count from ten to eight.", "Ten. Nine. Eight."),
        ("Count from ninety-nine to one hundred.", "Ninety-nine. One hundred."),
    ],
)
def test_it_counts(say, heard, counted):
    assert say(heard) == counted


@pytest.mark.parametrize("heard", ["Count to 100.", "Count to 999.", "Count from 70 to 12."])
def test_it_does_not_count_without_end(say, heard):
    assert say(heard) == f"I count {LONGEST_COUNT} numbers at a time, and no further than 100."


def test_it_parts(paper):
    answer = Dialogue(paper, datetime.now).answer("Good-by.")
    assert answer.hangs_up and answer.text == "Goodbye!"


def test_what_it_can_not_do_is_said_back(say):
    assert say("The sky is blue.") == f"I heard: The sky is blue. {ABILITIES}"
    assert say("What can you do?") == ABILITIES


def test_every_number_is_read_as_it_is_spelled():
    for number in range(101):
        for text in (spell(number).replace("-", " "), str(number)):
            found = re.fullmatch(rf"to ({NUMBER})", f"to {text}")
            assert found and read(found[1]) == number
    with pytest.raises(ValueError, match="0 to 100, got 101"):
        spell(101)


@pytest.mark.django_db
def test_a_notebook_holds_its_owners_notes_alone():
    mine, theirs = Notebook("user:1"), Notebook("user:2")
    mine.add("buy milk")
    mine.add("call Anna")
    theirs.add("sell milk")
    assert mine.texts() == ["buy milk", "call Anna"]
    assert mine.remove_last() == "call Anna"
    mine.clear()
    assert mine.remove_last() is None and mine.texts() == []
    assert Note.objects.get().text == "sell milk"


@pytest.mark.django_db
def test_notes_belong_to_the_user_else_the_browser_else_the_call():
    user = get_user_model().objects.create_user("anna")
    sessions = [
        Session.objects.create(session_id="by-user", user=user, owner_key="0123"),
        Session.objects.create(session_id="by-browser", owner_key="0123"),
        Session.objects.create(session_id="by-nobody"),
    ]
    assert owner_of("by-user") == f"user:{user.pk}"
    assert owner_of("by-browser") == "browser:0123"
    assert owner_of("by-nobody") == f"call:{sessions[2].pk}"
    assert owner_of("unknown") == "call:unknown"


@pytest.mark.django_db
def test_an_id_used_again_is_its_newest_session():
    Session.objects.create(session_id="same", owner_key="0123", state=Session.State.ENDED)
    Session.objects.create(session_id="same", owner_key="4567")
    assert owner_of("same") == "browser:4567"


def spoken(*texts: str, gap_s: float) -> tuple[int, np.ndarray]:
    """The texts with silence after each, and a faint noise throughout, as a microphone has it."""
    voice = get_tts_model()
    rate = voice.sample_rate
    parts = [part for text in texts for part in (voice.tts(text)[1], np.zeros(round(gap_s * rate), np.float32))]
    samples = np.concatenate([np.zeros(round(gap_s * rate), np.float32), *parts])
    noise = np.random.default_rng(seed=5).standard_normal(samples.size) * 10 ** (-60 / 20)
    return rate, (samples + noise).astype(np.float32)


@pytest.mark.django_db(transaction=True)
def test_a_call_with_the_assistant_from_greeting_to_goodbye():
    note = "the meeting is in the library"
    result = run_call(
        streams.assistant,
        spoken("Take a note, the meeting is in the library.", "Read my notes.", "Goodbye.", gap_s=7),
    )
    transcript = [(output["role"], plain(output["content"])) for _, output in result.outputs]
    assert transcript == [
        ("assistant", plain(GREETING)),
        ("user", f"take a note {note}"),
        ("assistant", f"i have noted {note}"),
        ("user", "read my notes"),
        ("assistant", f"you have one note {note}"),
        ("user", ANY),
        ("assistant", "goodbye"),
    ]
    assert result.end_reason == "handler_closed" and not result.errors
    assert plain(Note.objects.get().text) == note
    assert plain(heard_after(result, "I have noted")) == f"i have noted {note}"


def plain(text: str) -> str:
    """Without case and punctuation, of which speech has none."""
    return "".join(character for character in text.lower() if character.isalnum() or character == " ")


def heard_after(result, beginning: str) -> str:
    """What was played once an output that begins so had come, as the speech-to-text model understands it."""
    times = [time_s for time_s, _ in result.outputs] + [float("inf")]
    index = next(i for i, (_, output) in enumerate(result.outputs) if output["content"].startswith(beginning))
    played = [samples for time_s, samples in result.pieces if times[index] <= time_s < times[index + 1]]
    return get_stt_model().stt((result.audio[0], np.concatenate(played)))


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_is_gone_on_with_is_noted_once():
    rate, samples = spoken("Take a note, call the dentist,", "tomorrow morning.", gap_s=0.7)
    audio = to_int16(samples)[np.newaxis]
    first = audio[:, : audio.shape[1] // 2]
    conversation = Conversation()

    def answer(turn):
        emissions = list(conversation.reply((rate, turn)))
        return [emission.args[0]["content"] for emission in emissions if isinstance(emission, AdditionalOutputs)][1]

    context = copy_context()
    context.run(current_session.set, SimpleNamespace(id="mine", handshake=None))
    assert context.run(answer, first) == "I have noted: call the dentist."
    assert "omorrow morning" in context.run(answer, audio)
    assert "omorrow morning" in Note.objects.get().text
