"""Tones to send, and how to know them again."""

import numpy as np
from numpy.typing import NDArray

LEVEL = 12_000  # of 32767


def sine(frequency_hz: float, duration_s: float, sample_rate: int) -> NDArray[np.int16]:
    """int16 of shape (n,)."""
    times = np.arange(round(duration_s * sample_rate)) / sample_rate
    return np.rint(LEVEL * np.sin(2 * np.pi * frequency_hz * times)).astype(np.int16)


def frequency_of(samples: NDArray[np.int16], sample_rate: int) -> float:
    """The strongest frequency, Hz: the peak of the spectrum, between its bins by a parabola."""
    spectrum = np.log(np.abs(np.fft.rfft(samples * np.hanning(samples.size))) + 1e-9)
    peak = int(spectrum[1:-1].argmax()) + 1
    before, at, after = spectrum[peak - 1 : peak + 2]
    return float((peak + 0.5 * (before - after) / (before - 2 * at + after)) * sample_rate / samples.size)


def sine_snr_db(samples: NDArray[np.int16], frequency_hz: float, sample_rate: int, window_s: float = 0.05) -> float:
    """Tone over all else: the median over windows, each with the phase that fits it best."""
    window = round(window_s * sample_rate)
    times = np.arange(window) / sample_rate
    basis = np.exp(2j * np.pi * frequency_hz * times).view(float).reshape(-1, 2)
    ratios = []
    for start in range(0, samples.size - window + 1, window):
        piece = samples[start : start + window].astype(float)
        tone = basis @ np.linalg.lstsq(basis, piece, rcond=None)[0]
        ratios.append(10 * np.log10((tone**2).sum() / max(((piece - tone) ** 2).sum(), 1e-9)))
    return float(np.median(ratios))
