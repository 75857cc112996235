"""When the messages of a live microphone arrive, under models of the link and of the client.

A message leaves when its last sample was captured. Messages travel over one connection, so none
overtakes another.
"""

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

START_S = 5000.0


def captured(sample_rate: int, message_samples: int, duration_s: float = 5.0) -> Seconds:
    count = int(duration_s * sample_rate / message_samples)
    return START_S + np.arange(1, count + 1) * message_samples / sample_rate


def jittered(sent: Seconds, rng: np.random.Generator, spread_s: float = 0.02) -> Seconds:
    """Each message is up to `spread_s` late: +-10 ms round the middle."""
    return in_order(sent + rng.uniform(0, spread_s, sent.size))


def exponential(sent: Seconds, rng: np.random.Generator, mean_s: float = 0.03) -> Seconds:
    """A bad link: mostly quick, now and then very late."""
    return in_order(sent + rng.exponential(mean_s, sent.size))


def bunched(sent: Seconds, rng: np.random.Generator, shortest_s: float = 0.03, longest_s: float = 0.25):
    """The link opens now and then, and lets through at once all that has gathered."""
    openings = START_S + np.cumsum(rng.uniform(shortest_s, longest_s, 400))
    return in_order(openings[np.searchsorted(openings, sent)] + rng.uniform(0, 0.003, sent.size))


def stalled(sent: Seconds, rng: np.random.Generator, stall_s: float) -> Seconds:
    """Jittered; once in the first 0.6 s nothing comes for `stall_s`, then all that was held up."""
    begin_s = START_S + rng.uniform(0, 0.6)
    held = (sent > begin_s) & (sent < begin_s + stall_s)
    late = jittered(sent, rng)
    late[held] = begin_s + stall_s + rng.uniform(0, 0.004, held.sum())
    return in_order(late)


def interrupted(sent: Seconds, rng: np.random.Generator, pause_s: float) -> Seconds:
    """Jittered; once in the first 0.6 s the client captures nothing for `pause_s`."""
    begin_s = START_S + rng.uniform(0.05, 0.6)
    return jittered(np.where(sent > begin_s, sent + pause_s, sent), rng)


def in_order(arrivals: Seconds) -> Seconds:
    return np.maximum.accumulate(arrivals)
