"""What a page recorded, and how one recording follows another."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

COMPARED_RATE = 24000
LONGEST_DELAY_S = 2.5
PIECE_S = 0.5
AUDIBLE = 1e-3  # of full scale
SILENCE_S = 0.05  # what is shorter is a gap in the sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`samples`: float64 of shape (n,) at COMPARED_RATE; `start_s` on the page's clock."""

    samples: np.ndarray
    start_s: float

    @classmethod
    def from_page(cls, result: dict[str, Any]) -> "Recording":
        samples = np.frombuffer(base64.b64decode(result["samples"]), dtype="<i2") / 32768
        return cls(samples=soxr.resample(samples, result["sample_rate"], COMPARED_RATE), start_s=result["start_s"])

    @property
    def end_s(self) -> float:
        return self.start_s + self.samples.size / COMPARED_RATE

    def between(self, start_s: float, end_s: float) -> np.ndarray:
        """Silence where nothing was recorded."""
        first, last = (round((time_s - self.start_s) * COMPARED_RATE) for time_s in (start_s, end_s))
        inside = self.samples[max(first, 0) : max(last, 0)]
        return np.pad(inside, (max(-first, 0), max(last - max(first, 0) - inside.size, 0)))[: last - first]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """PIECE_S of what was played, beside the part of the source that it follows best."""

    time_s: float
    delay_s: float
    played: np.ndarray
    source: np.ndarray

    @property
    def correlation(self) -> float:
        return correlation(self.played, self.source)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def pieces(source: Recording, played: Recording, from_s: float, to_s: float) -> list[Piece]:
    """Consecutive pieces of `played` between two times; silent ones are left out."""
    loud = 0.1 * np.sqrt(np.mean(played.between(from_s, to_s) ** 2))
    found = []
    for time_s in np.arange(from_s, to_s - PIECE_S, PIECE_S):
        piece = played.between(time_s, time_s + PIECE_S)
        if np.sqrt(np.mean(piece**2)) > loud:
            found.append(_follow(source, piece, time_s))
    return found


def overall_correlation(found: list[Piece]) -> float:
    return correlation(
        np.concatenate([piece.played for piece in found]), np.concatenate([piece.source for piece in found])
    )


def _follow(source: Recording, piece: np.ndarray, time_s: float) -> Piece:
    heard = source.between(time_s - LONGEST_DELAY_S, time_s + PIECE_S)
    size = 1 << (heard.size + piece.size).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(piece, size).conj(), size)
    energy = np.cumsum(np.pad(heard**2, (1, 0)))
    energies = energy[piece.size :] - energy[: -piece.size]
    scores = products[: energies.size] / np.sqrt(energies + 1e-9)
    start = int(np.argmax(scores))
    return Piece(
        time_s=float(time_s),
        delay_s=LONGEST_DELAY_S - start / COMPARED_RATE,
        played=piece,
        source=heard[start : start + piece.size],
    )


def longest_silence_s(played: Recording, from_s: float, to_s: float) -> float:
    """The longest run of digital silence; of a source with a noise floor, each is a gap in playback."""
    silent = np.abs(played.between(from_s, to_s)) < 1e-4
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent, [0]])))
    return float((edges[1::2] - edges[::2]).max(initial=0)) / COMPARED_RATE


def falls_silent_s(played: Recording, from_s: float) -> float:
    """When the sound that is played at a time ends, on the page's clock."""
    loud = np.flatnonzero(np.abs(played.between(from_s, played.end_s)) > AUDIBLE)
    if not loud.size or loud[0] > SILENCE_S * COMPARED_RATE:
        raise ValueError(f"nothing is played at {from_s} s")
    gaps = np.flatnonzero(np.diff(loud) > SILENCE_S * COMPARED_RATE)
    last = loud[gaps[0]] if gaps.size else loud[-1]
    return from_s + float(last + 1) / COMPARED_RATE
