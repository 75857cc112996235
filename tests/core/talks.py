"""Drives `Turns` with windows that are speech or not, or with recorded tracks."""

import pytest

from rtc.core.speech import SpeechMeter
from rtc.core.turn_options import TurnOptions
from rtc.core.turns import State, Turns
from rtc.core.windows import WINDOW_S

LOUD = 1e-2
SPEECH = (1.0, LOUD)
SILENCE = (0.0, LOUD)


def near(seconds):
    return pytest.approx(seconds, abs=WINDOW_S + 1e-9)


def windows(*parts):
    """Seconds of speech are positive, of silence negative."""
    return [SPEECH if part > 0 else SILENCE for part in parts for _ in range(round(abs(part) / WINDOW_S))]


class Talk:
    """One session's turns; `events` holds `(when it happened in s, event)`."""

    def __init__(self, **options):
        self.options = TurnOptions(**options)
        self.turns = Turns(self.options)
        self.events = []
        self.flags = []
        self._meter = SpeechMeter(self.options.vad, self.options.algo.audio_chunk_duration, self.options.onset_span_s)

    @property
    def now_s(self):
        return len(self.flags) * WINDOW_S

    def hear(self, *parts):
        return self.judge(windows(*parts))

    def judge(self, judged):
        """Returns: what happened, without the times."""
        before = len(self.events)
        for window in judged:
            measure = self._meter.add(*window)
            self.flags.append(measure.speaking)
            self.note(self.turns.measured(measure))
        return [event for _, event in self.events[before:]]

    def note(self, events):
        self.events += [(self.now_s, event) for event in events]
        return list(events)


def replied(**options):
    """A talk in which the user has spoken for a second, and hears the reply."""
    talk = Talk(**options)
    talk.hear(-1.0, 1.0, -0.6)
    assert talk.turns.state is State.ANSWERING
    talk.turns.audible()
    talk.hear(-0.5)
    assert talk.turns.state is State.REPLYING
    talk.events.clear()
    return talk
