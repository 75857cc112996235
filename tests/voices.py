"""Spoken audio with known pauses, from the speech synthesizer that the browser tests use."""

from functools import lru_cache

import numpy as np
import soxr

from tests.browser.speech import speak

RATE = 48000
LEVEL = 0.01  # of full scale: what is softer counts as no speech
QUESTION = "Could you look that up for me?"


@lru_cache
def spoken(text, rate=RATE):
    """int16 of shape (n,), without the silence round it."""
    source_rate, samples = speak(text)
    voice = soxr.resample(samples.astype(np.float64) / 32768 / 2, source_rate, rate)
    loud = np.flatnonzero(np.abs(voice) > LEVEL)
    return np.rint(voice[loud[0] : loud[-1] + 1] * 32767).astype(np.int16)


def conversation(*parts, rate=RATE, noise_dbfs=-60.0):
    """Text is spoken, a number is a pause of so many seconds, with noise under all of it.

    Returns: the samples, int16 of shape (n,), and where each text begins and ends, in s.
    """
    pieces, spans, at = [], [], 0
    for part in parts:
        piece = spoken(part, rate) if isinstance(part, str) else np.zeros(round(part * rate), np.int16)
        if isinstance(part, str):
            spans.append((at / rate, (at + piece.size) / rate))
        pieces.append(piece)
        at += piece.size
    noise = np.random.default_rng(seed=7).standard_normal(at) * 10 ** (noise_dbfs / 20) * 32767
    return np.clip(np.concatenate(pieces) + noise, -32768, 32767).astype(np.int16), spans
