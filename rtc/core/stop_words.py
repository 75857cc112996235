"""Listening for a stop word: which stretches of the audio to write down, and whether one is in what was written.

Positions are seconds of the session's input audio.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

LONGEST_LOOK_S = 2.0
"""How far back from its end a look goes."""
LEAD_S = 0.2
"""How much a look has before the first speech: what is too soft to be noticed as such."""
LOOK_EVERY_S = 0.5
"""How much is listened to, while somebody goes on speaking, between two looks."""
END_OF_WORDS_S = 0.16
"""A silence after which what was said before is looked at without waiting for more."""
FRESH_S = 1.0
"""A silence after which what was said before is no part of a stop word any more."""


class StopWords:
    """Words and phrases to look for.

    Raises:
        ValueError: there is none, or one of them has no letter or digit.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = [_words(phrase) for phrase in phrases]
        if not self._phrases or not all(self._phrases):
            raise ValueError("stop_words are words or phrases, and there is at least one")

    def are_in(self, text: str) -> bool:
        """Whether one of them is there, as whole words; case and punctuation don't matter."""
        return self.words_after(text) is not None

    def words_after(self, text: str) -> int | None:
        """How many words follow the last stop word in the text; None: there is no stop word."""
        heard = _words(text)
        ends = [
            first + len(phrase)
            for phrase in self._phrases
            for first in range(len(heard) - len(phrase) + 1)
            if heard[first : first + len(phrase)] == phrase
        ]
        return len(heard) - max(ends) if ends else None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Write down the audio from `begin_s` to `end_s`.

    `new_s` is where the look before it ended: a stop word that is found now ends after that.
    """

    begin_s: float
    end_s: float
    new_s: float

    def after(self, other: "Look") -> "Look":
        """This one, when `other`, the look before it, was left out."""
        return replace(self, new_s=max(self.begin_s, other.new_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordEnd:
    """What is said from `after_s` on is for the handler; but speech before `speech_from_s`, and `tail_s` of speech
    without a silence from there on, may be the rest of the stop word, and begins no turn.
    """

    after_s: float
    speech_from_s: float
    tail_s: float


class Looks:
    """When to look, from where there is speech."""

    def __init__(self) -> None:
        self._onset_s: float | None = None
        self._spoken_to_s = 0.0
        self._looked_to_s = 0.0

    def heard(self, begin_s: float, end_s: float, *, speaking: bool) -> Look | None:
        """Take the next stretch of audio."""
        if speaking:
            self._spoken_to_s = end_s
            if self._onset_s is None:
                self._onset_s = begin_s
        elif end_s - self._spoken_to_s >= FRESH_S:
            self._onset_s = None
        return self._look(end_s) if self._is_due(end_s, speaking) else None

    def _is_due(self, now_s: float, speaking: bool) -> bool:
        if self._onset_s is None or self._spoken_to_s <= self._looked_to_s:
            return False
        if speaking:
            return now_s - max(self._looked_to_s, self._onset_s) >= LOOK_EVERY_S
        return now_s - self._spoken_to_s >= END_OF_WORDS_S

    def _look(self, now_s: float) -> Look:
        assert self._onset_s is not None  # can't be: a look is due only after an onset
        look = Look(
            begin_s=max(0.0, self._onset_s - LEAD_S, now_s - LONGEST_LOOK_S),
            end_s=now_s,
            new_s=max(self._looked_to_s, self._onset_s - LEAD_S),
        )
        self._looked_to_s = now_s
        return look
