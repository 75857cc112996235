"""Where the speech under way began. Positions are seconds of the session's input audio."""

from rtc.core.speech import Measure


class Onset:
    """Follows the measures of one session.

    `at_s`: where it began; None: there is none under way. `spoken_to_s`: where the latest speech ended.

    Args:
        separation_s: speech after a silence as long as this begins anew.
    """

    def __init__(self, separation_s: float) -> None:
        self.at_s: float | None = None
        self.spoken_to_s = 0.0
        self._spoken_s = 0.0
        self._separation_s = separation_s

    def follow(self, measure: Measure) -> None:
        """Take the next measure."""
        if measure.speaking:
            if self.at_s is None:
                self.at_s = measure.begin_s
                self._spoken_s = 0.0
            self._spoken_s += measure.end_s - measure.begin_s
            self.spoken_to_s = measure.end_s
        elif measure.end_s - self.spoken_to_s >= self._separation_s:
            self.at_s = None

    def is_longer(self, least_s: float) -> bool:
        """Whether it spans more than that, pauses within it included."""
        return self.at_s is not None and self.spoken_to_s - self.at_s > least_s

    def speech_s(self, measure: Measure) -> float:
        """Of the speech that a measure looks back on, what came since the onset: what was said before a turn was handed
        over begins no other.
        """
        return 0.0 if self.at_s is None else min(measure.onset_s, self._spoken_s)
