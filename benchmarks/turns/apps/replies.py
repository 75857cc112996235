"""The reply functions, the same for both systems: they answer with a sound that tells which reply it is."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 48000  # as the callers', so that neither system resamples
THINKING_S = 0.03
"""FastRTC empties its queue a moment after it has begun to reply: an answer that comes at once is lost there."""
BEEP_S = 0.4
LECTURE_S = 30.0
LEVELS = (2000, 4000, 7000, 11000, 16000, 22000)

_counter = itertools.count()
_folder = os.environ.get("TURNS_UTTERANCES", "")

Audio = tuple[int, npt.NDArray[np.int16]]


def beep(audio: Audio) -> Iterator[Audio]:
    _keep(audio)
    yield from _sound(BEEP_S, chunk_s=0.1)


def lecture(audio: Audio) -> Iterator[Audio]:
    yield from _sound(LECTURE_S, chunk_s=0.02)


def _sound(duration_s: float, *, chunk_s: float) -> Iterator[Audio]:
    time.sleep(THINKING_S)
    level = LEVELS[next(_counter) % len(LEVELS)]
    chunk = np.full((1, round(chunk_s * SAMPLE_RATE)), level, np.int16)
    for _ in range(round(duration_s / chunk_s)):
        yield SAMPLE_RATE, chunk


def _keep(audio: Audio) -> None:
    """Where the run looks for what was lost."""
    if _folder:
        samples: Any = audio[1]
        np.save(Path(_folder) / f"{time.time_ns()}.npy", samples)
