"""Drives `Turns` with windows that are speech or not, or with recorded tracks."""

from rtc.core.speech import SpeechMeter
from rtc.core.turn_options import TurnOptions
from rtc.core.turns import Turns
from rtc.core.windows import WINDOW_S

LOUD = 1e-2
SPEECH = (1.0, LOUD)
SILENCE = (0.0, LOUD)


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
