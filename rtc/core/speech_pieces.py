"""Cutting speech where it is quietest."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUIET_S = 0.1
"""The stretch whose loudness counts."""
SEARCHED = 0.4
"""The part of a piece, from its end on, in which the place to cut is looked for."""


def pieces(samples: NDArray[Any], sample_rate: int, longest_s: float) -> Iterator[NDArray[Any]]:
    """Float samples of shape (n,) in pieces of at most `longest_s` seconds, which make up the whole."""
    longest = int(longest_s * sample_rate)
    while samples.size > longest:
        first = int(longest * (1 - SEARCHED))
        cut = first + quietest(samples[first:longest], round(QUIET_S * sample_rate))
        yield samples[:cut]
        samples = samples[cut:]
    yield samples


def quietest(samples: NDArray[Any], width: int) -> int:
    """Where the middle of the quietest stretch of `width` samples is; samples of shape (n,), n > width > 0."""
    power = np.square(samples, dtype=np.float64)
    total = np.concatenate(([0.0], np.cumsum(power)))
    return int(np.argmin(total[width:] - total[:-width])) + width // 2
