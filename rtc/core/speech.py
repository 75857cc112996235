"""How much of the latest audio is speech: probabilities of 32 ms windows in, sliding sums out, one a window."""

from collections import deque
from dataclasses import dataclass

from rtc.core.turn_options import SileroVadOptions
from rtc.core.windows import WINDOW_S

HYSTERESIS = 0.15
"""Speech ends when the probability falls this far below the threshold; Silero's own value."""
CERTAIN = 0.8
"""While somebody speaks the model gives more than this, nearly always. When they stop it falls to nothing, over 60 to
250 ms, the slower the louder the background."""
UNDER_WAY = 0.95
"""A window at least this likely to be speech is followed by another with speech, 98 times in 100."""
COMING_S = 0.01
"""How much of what follows it counts as spoken already: 0.2 s of speech are 6.25 windows, so that they are noticed
after 6 and not after 7."""
BACKGROUND = 0.2
"""A window less likely than this to be speech shows how loud the background is."""
BACKGROUND_WINDOWS = 8
"""How many of those it takes before the background counts as known; it is averaged over about as many."""
BACKGROUND_RATIO = 2.0
"""A window of at most this many times the background's power (3 dB) holds nothing but background."""
SILENCE = 1e-6
"""So does one of at most this power, -60 dB of full scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is known when another window has been judged. All in seconds.

    Args:
        end_s: where the window ends, in the audio of the session.
        begin_s: where it begins.
        speaking: whether it holds speech.
        speech_s: how much speech the last `audio_chunk_duration` holds.
        onset_s: the same of the span in which speech is looked for that begins, which may be longer.
        stirring: the window is louder than the background: speech may be beginning that is not known as such yet.
        coming_s: how much speech surely follows.
    """

    begin_s: float
    end_s: float
    speaking: bool
    speech_s: float
    onset_s: float
    stirring: bool = False
    coming_s: float = 0.0


class SlidingSum:
    """How much of the last `span_s` seconds was speech. Of the oldest window counts the part that is in the span."""

    def __init__(self, span_s: float) -> None:
        self._whole = int(span_s / WINDOW_S + 1e-9)
        self._part_s = span_s - self._whole * WINDOW_S
        self._windows: deque[bool] = deque([False] * (self._whole + 1), self._whole + 1)
        self._count = 0

    def add(self, speaking: bool) -> float:
        windows = self._windows
        self._count += speaking - windows[1] if self._whole else 0
        windows.append(speaking)
        return self._count * WINDOW_S + (self._part_s if windows[0] else 0.0)


class Background:
    """Tells what the model still takes for speech when all that is left is the background.

    A recurrent model goes on for some windows after the last sound. Those are told from soft speech by two signs at
    once: its probability is no longer that of speech under way, and they are no louder than what was there before.
    """

    def __init__(self) -> None:
        self._power = 0.0
        self._windows = 0

    def add(self, probability: float, power: float) -> None:
        """Take in a window, by its probability and mean square."""
        if probability < BACKGROUND:
            self._windows = min(self._windows + 1, BACKGROUND_WINDOWS)
            self._power += (power - self._power) / self._windows

    def is_drowned_by(self, power: float) -> bool:
        """Whether a window of that power holds more than it."""
        return self._windows == BACKGROUND_WINDOWS and power > max(SILENCE, BACKGROUND_RATIO * self._power)

    def is_all(self, probability: float, power: float) -> bool:
        """Whether a window holds nothing else."""
        known = self._windows == BACKGROUND_WINDOWS
        return known and probability < CERTAIN and not self.is_drowned_by(power)


class SpeechMeter:
    """Turns the probabilities of one session's windows into measures.

    Args:
        chunk_s: `audio_chunk_duration`.
        onset_span_s: see `Measure.onset_s`.
    """

    def __init__(self, options: SileroVadOptions, chunk_s: float, onset_span_s: float) -> None:
        self._rise = options.threshold
        self._fall = options.threshold - HYSTERESIS
        self._speech = SlidingSum(chunk_s)
        self._onset = SlidingSum(onset_span_s)
        self._background = Background()
        self._above = False
        self._windows = 0

    def add(self, probability: float, power: float) -> Measure:
        """Take the next window: how likely it is to be speech, 0 to 1, and the mean square of its samples."""
        self._above = probability >= (self._fall if self._above else self._rise)
        self._background.add(probability, power)
        speaking = self._above and not self._background.is_all(probability, power)
        begin = self._windows
        self._windows += 1
        return Measure(
            begin_s=begin * WINDOW_S,
            end_s=self._windows * WINDOW_S,
            speaking=speaking,
            speech_s=self._speech.add(speaking),
            onset_s=self._onset.add(speaking),
            stirring=self._background.is_drowned_by(power),
            coming_s=COMING_S if speaking and probability >= UNDER_WAY else 0.0,
        )
