"""Audio to test with."""

import numpy as np
from numpy.typing import NDArray


def tones(sample_rate: int, duration_s: float, frequencies_hz: tuple[float, ...]) -> NDArray[np.int16]:
    """A chord, faded in and out over 10 ms so that it has no clicks; int16 of shape (n,)."""
    times = np.arange(round(sample_rate * duration_s)) / sample_rate
    chord = sum(np.sin(2 * np.pi * hz * times + hz) for hz in frequencies_hz)
    fade = np.clip(np.minimum(times, times[-1] - times) / 0.01, 0, 1)
    return np.rint(chord * fade * 20_000 / len(frequencies_hz)).astype(np.int16)


def cut(samples: NDArray[np.int16], lengths: list[int]) -> list[NDArray[np.int16]]:
    """The samples in pieces of those lengths, over and over."""
    pieces = []
    start = turn = 0
    while start < samples.size:
        length = lengths[turn % len(lengths)]
        pieces.append(samples[start : start + length])
        start += length
        turn += 1
    return pieces


def snr_db(actual: NDArray, expected: NDArray) -> float:
    wanted = expected.astype(float)
    noise = actual.astype(float) - wanted
    return 10 * np.log10((wanted**2).sum() / max((noise**2).sum(), 1e-9))
