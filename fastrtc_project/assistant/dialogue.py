"""What the assistant answers: rules, tried in order on the words that were heard."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from fastrtc_project.assistant.numbers import LARGEST, NUMBER, read, spell

ABILITIES = "I can take a note, read your notes back, count, and tell you the time."
GREETING = f"Hello! {ABILITIES}"
LONGEST_COUNT = 30


class Notes(Protocol):
    def add(self, text: str) -> None: ...
    def texts(self) -> list[str]: ...
    def remove_last(self) -> str | None: ...
    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Args: hangs_up: the call is over once this has been said."""

    text: str
    hangs_up: bool = False


class Dialogue:
    """One caller's talk; it remembers whether it has just asked what to note.

    Args:
        notes: the caller's.
        now: the time and date to tell.
    """

    def __init__(self, notes: Notes, now: Callable[[], datetime]) -> None:
        self._notes = notes
        self._now = now
        self._waits_for_note = False
        self._waited_before = False
        self._take_back_notes: Callable[[], object] | None = None

    def take_back(self) -> None:
        """Undo what the last answer did: the caller had not finished."""
        self._waits_for_note = self._waited_before
        if self._take_back_notes is not None:
            self._take_back_notes()
            self._take_back_notes = None

    def answer(self, heard: str) -> Answer:
        spoken = _spoken(heard)
        self._waited_before, self._waits_for_note = self._waits_for_note, False
        self._take_back_notes = None
        if self._waited_before:
            return Answer(text="All right.") if _NEVER_MIND.search(spoken) else self._note(spoken)
        for pattern, rule in _RULES:
            if match := pattern.search(spoken):
                return rule(self, match)
        return Answer(text=f"I heard: {spoken.rstrip('.')}. {ABILITIES}")

    def _take_note(self, match: re.Match[str]) -> Answer:
        return self._note(match["text"])

    def _note(self, text: str) -> Answer:
        text = text.strip(" ,.:?!")
        if not text:
            self._waits_for_note = True
            return Answer(text="What shall I note?")
        self._notes.add(text)
        self._take_back_notes = self._notes.remove_last
        return Answer(text=f"I have noted: {text}.")

    def _read_notes(self, match: re.Match[str]) -> Answer:
        texts = self._notes.texts()
        if not texts:
            return Answer(text="You have no notes.")
        if len(texts) == 1:
            return Answer(text=f"You have one note: {texts[0]}.")
        numbered = (f"{_in_words(number).capitalize()}: {text}." for number, text in enumerate(texts, start=1))
        return Answer(text=" ".join([_so_many(len(texts)), *numbered]))

    def _count_notes(self, match: re.Match[str]) -> Answer:
        return Answer(text=_so_many(len(self._notes.texts())))

    def _remove_last(self, match: re.Match[str]) -> Answer:
        removed = self._notes.remove_last()
        if removed is None:
            return Answer(text="You have no notes.")
        self._take_back_notes = partial(self._notes.add, removed)
        return Answer(text=f"I have deleted: {removed}.")

    def _clear(self, match: re.Match[str]) -> Answer:
        texts = self._notes.texts()
        self._notes.clear()
        self._take_back_notes = partial(self._add_all, texts)
        return Answer(text="All your notes are deleted." if texts else "You have no notes.")

    def _add_all(self, texts: list[str]) -> None:
        for text in texts:
            self._notes.add(text)

    def _tell_time(self, match: re.Match[str]) -> Answer:
        now = self._now()
        return Answer(text=f"It is {now.hour % 12 or 12}:{now.minute:02} {'AM' if now.hour < 12 else 'PM'}.")

    def _tell_day(self, match: re.Match[str]) -> Answer:
        now = self._now()
        return Answer(text=f"Today is {now:%A}, {now:%B} {now.day}.")

    def _count(self, match: re.Match[str]) -> Answer:
        first, last = read(match["first"] or "1"), read(match["last"])
        if max(first, last) > LARGEST or abs(last - first) >= LONGEST_COUNT:
            return Answer(text=f"I count {LONGEST_COUNT} numbers at a time, and no further than {LARGEST}.")
        step = 1 if last >= first else -1
        # A sentence each, so that every number has been spoken before the next is made.
        return Answer(text=" ".join(f"{spell(number).capitalize()}." for number in range(first, last + step, step)))

    def _help(self, match: re.Match[str]) -> Answer:
        return Answer(text=ABILITIES)

    def _greet(self, match: re.Match[str]) -> Answer:
        return Answer(text=GREETING)

    def _part(self, match: re.Match[str]) -> Answer:
        return Answer(text="Goodbye!", hangs_up=True)


def _spoken(heard: str) -> str:
    """The words as they are looked for: no hyphens, no quotation marks, and `to-morrow` in one."""
    text = re.sub(r"\bto-(day|morrow|night)\b", r"to\1", heard, flags=re.IGNORECASE)
    return " ".join(re.sub(r"[^\w\s.,:?!']", " ", text).split())


def _so_many(count: int) -> str:
    return "You have no notes." if not count else f"You have {_in_words(count)} note{'' if count == 1 else 's'}."


def _in_words(number: int) -> str:
    return spell(number) if number <= LARGEST else str(number)


Rule = Callable[[Dialogue, re.Match[str]], Answer]

_DROP = r"\b(delete|remove|forget|erase|drop|clear)\b"
_NEVER_MIND = re.compile(r"\b(never mind|nothing|cancel|forget it)\b", re.IGNORECASE)
_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (r"\bhow many notes\b", Dialogue._count_notes),
        (
            r"\b(take|make|write|add|leave|keep)( down)?( me)? (a|another|the|one) note\b"
            r"[ ,.:]*(of|that|to|saying)?\b(?P<text>.*)",
            Dialogue._take_note,
        ),
        (r"\b(remember|note down|write down)\b[ ,.:]*(that|to)?\b(?P<text>.*)", Dialogue._take_note),
        (_DROP + r".*\blast note\b", Dialogue._remove_last),
        (_DROP + r".*\bnotes\b", Dialogue._clear),
        (r"\b(read|list|tell|show|hear)\b.*\bnotes?\b|\b(what are|what's in) my notes\b", Dialogue._read_notes),
        (r"\bwhat( is|'s)? (the )?(day|date)\b|\bwhich day\b", Dialogue._tell_day),
        (r"\b(what|the|tell) (me the )?time\b|\bhow late\b", Dialogue._tell_time),
        (
            # "two" is how "to" is often heard.
            rf"\bcount\b(.*?\bfrom (?P<first>{NUMBER}))?.*?\b(to|two|till|until) (?P<last>{NUMBER})\b",
            Dialogue._count,
        ),
        (r"\bwhat can you do\b|\bhelp\b", Dialogue._help),
        (r"\b(good ?bye?|bye|hang up|that's all)\b", Dialogue._part),
        (r"^(hello|hi|hey|good (morning|afternoon|evening|day))\b", Dialogue._greet),
    )
)
