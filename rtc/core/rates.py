"""The sample rate of a client that doesn't declare it, from how fast its audio arrives.

A message arrives when its last sample was captured, plus a delay. The delay varies, but is never
negative and comes back near its smallest value; so under the true rate the arrivals, less the time
their audio lasts, scatter above a level floor, and under a wrong rate the floor slopes. Delays above
the floor are taken as exponential, whose likelihood asks for nothing but their mean. Audio that the
client left out (a dropped buffer, a mute) lifts the floor once and for all: each rate may explain the
arrivals with one such step, at a price.
"""

import numpy as np
from numpy.typing import NDArray

USUAL_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)

# Evidence is in nats of log-likelihood.
DECISION_NATS = 6.0  # by which the best rate must beat every other usual one
STEP_NATS = 6.0  # what a step of the floor costs
UNUSUAL_NATS = 6.0  # what a rate that is not a usual one costs
WEAK_DECISION_NATS = 3.0  # what suffices once the wait is over

MIN_SPAN_S = 0.35  # of arrivals, before anything but too fast audio is decided
MAX_WAIT_S = 2.5  # of arriving audio; a gap counts as its limit
MIN_GAP_S = 0.35  # silence of the link after which the estimate starts again
GAP_MESSAGES = 1.25  # and at least so many durations of the message at the slowest usual rate
TOO_FAST_S = 0.5  # audio ahead of the clock even at the fastest usual rate
BUNCH_S = 0.02  # messages arriving within it are one arrival: the last of them, which waited least
DELAY_FLOOR_S = 0.01  # mean delay below which fits are equally good

# Rates that audio of no usual rate might have; what is this near a usual one is taken for it.
_UNUSUAL_NEARNESS = 0.035
_UNUSUAL_GRID = np.geomspace(5000.0, 400_000.0, 180)


class RateEstimator:
    """Decides a client's sample rate once. Until then its audio is best held.

    Args:
        declared_rate: Hz; the answer when the arrivals fit no usual rate, such as those of a file
            sent as fast as it goes.
    """

    def __init__(self, declared_rate: int) -> None:
        self._declared_rate = declared_rate
        self._rate: int | None = None
        self._sample_count = 0
        self._arrival_s = float("-inf")
        self._waited_s = 0.0
        self._clear()
        usual = sorted({*USUAL_RATES, declared_rate})
        distance = np.abs(_UNUSUAL_GRID[:, None] / np.array(usual) - 1.0).min(axis=1)
        self._usual_count = len(usual)
        self._rates = np.concatenate((usual, _UNUSUAL_GRID[distance > _UNUSUAL_NEARNESS]))

    @property
    def decided(self) -> bool:
        return self._rate is not None

    def add(self, sample_count: int, now: float) -> int | None:
        """Takes note of a message of `sample_count` samples that arrived at `now`, in seconds of a
        monotonic clock. Returns the rate in Hz once it is decided, and the same from then on.
        """
        if self._rate is not None:
            return self._rate
        if self._is_first_after_gap(sample_count, now):
            self._clear()
            self._note(sample_count, now)
            return None
        self._note(sample_count, now)
        self._rate = self._decide()
        return self._rate

    def conclude(self) -> int:
        """Decides with what is known, for when no more audio may come: the rate in Hz."""
        if self._rate is None:
            self._rate = self._weak_decision()
        return self._rate

    def _clear(self) -> None:
        self._bunch_s = float("-inf")
        self._times: list[float] = []
        self._samples: list[int] = []

    def _is_first_after_gap(self, sample_count: int, now: float) -> bool:
        limit_s = max(MIN_GAP_S, GAP_MESSAGES * sample_count / USUAL_RATES[0])
        silence_s = now - self._arrival_s
        if self._times:
            self._waited_s += min(silence_s, limit_s)
        return silence_s > limit_s

    def _note(self, sample_count: int, now: float) -> None:
        self._arrival_s = now
        self._sample_count += sample_count
        # The first arrival stays by itself: what follows it at once tells of audio that is faster than any clock.
        if len(self._times) > 1 and now - self._bunch_s < BUNCH_S:
            self._times[-1] = now
            self._samples[-1] = self._sample_count
            return
        self._bunch_s = now
        self._times.append(now)
        self._samples.append(self._sample_count)

    def _decide(self) -> int | None:
        span_s = self._times[-1] - self._times[0]
        if (self._samples[-1] - self._samples[0]) / USUAL_RATES[-1] > span_s + TOO_FAST_S:
            return self._declared_rate
        if span_s >= MIN_SPAN_S:
            rate = self._best_rate(DECISION_NATS)
            if rate is not None:
                return rate
        if self._waited_s >= MAX_WAIT_S:
            return self._weak_decision()
        return None

    def _weak_decision(self) -> int:
        if len(self._times) < 3:
            return self._declared_rate
        return self._best_rate(WEAK_DECISION_NATS) or self._declared_rate

    def _best_rate(self, margin_nats: float) -> int | None:
        """The rate that beats the others by the margin; None if none does."""
        misfit = self._misfit_nats()
        usual = misfit[: self._usual_count]
        unusual_nats = float(misfit[self._usual_count :].min())
        best, second = np.argsort(usual)[:2]
        if usual[best] - unusual_nats >= margin_nats:
            return self._declared_rate
        if usual[second] - usual[best] >= margin_nats and usual[best] <= unusual_nats:
            return int(self._rates[best])
        return None

    def _misfit_nats(self) -> NDArray[np.float64]:
        """Negative log-likelihood of each rate, up to a constant."""
        times = np.array(self._times) - self._times[0]
        samples = np.array(self._samples) - self._samples[0]
        delays = times - samples / self._rates[:, None]
        total = delays.sum(axis=1)
        count = times.size
        level = total - count * delays.min(axis=1)
        before = np.minimum.accumulate(delays, axis=1)[:, :-1]
        after = np.minimum.accumulate(delays[:, ::-1], axis=1)[:, ::-1][:, 1:]
        split = np.arange(1, count)
        # Left-out audio can only lift the floor, so a step down is none.
        before = np.minimum(before, after)
        stepped = (total[:, None] - split * before - (count - split) * after).min(axis=1)
        misfit = np.minimum(_nats(level, count), _nats(stepped, count) + STEP_NATS)
        misfit[self._usual_count :] += UNUSUAL_NATS
        return misfit


def _nats(excess_s: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return np.asarray(count * np.log(excess_s / count + DELAY_FLOOR_S), dtype=np.float64)
