import re
from datetime import datetime

import pytest
from django.contrib.auth import get_user_model

from fastrtc_project.assistant.dialogue import ABILITIES, LONGEST_COUNT, Dialogue
from fastrtc_project.assistant.models import Note, Notebook, owner_of
from fastrtc_project.assistant.numbers import NUMBER, read, spell
from rtc.models import Session


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
        count = len(self.lines)
        self.lines.clear()
        return count


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


def test_notes_are_read_counted_and_deleted(say, paper):
    assert say("Read my notes.") == "You have no notes."
    paper.lines = ["buy milk"]
    assert say("How many notes do I have?") == "You have one note."
    paper.lines.append("call Anna")
    assert say("Please read me my notes") == "You have two notes. one: buy milk. two: call Anna."
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
    assert mine.clear() == 1
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
