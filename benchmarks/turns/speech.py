"""What the callers say: spoken by the text-to-speech model, with known pauses and noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import soxr

from rtc import get_tts_model

SAMPLE_RATE = 48000
SPEECH_DBFS = -23.0
NOISE_DBFS = {"quiet": -65.0, "room": -48.0, "loud": -35.0}
LEAD_IN_S = 1.0
GAP_S = 2.2
CONVINCING_S = 0.2
GRAIN_SAMPLES = SAMPLE_RATE * 160 // 1000  # whole frames of 20 ms and whole windows of 32 ms

# A turn: phrases, and between them the seconds of hesitation within it.
ORDER: tuple[tuple[str | float, ...], ...] = (
    ("I would like to order a lamp,", 0.25, "two wooden chairs,", 0.35, "and a small carpet."),
    ("What time do you open", 0.3, "on Sundays?"),
    ("Well,", 0.45, "could you look that up", 0.2, "for me?"),
    ("Yes, please.",),
)
INTERRUPTIONS: tuple[tuple[str | float, ...], ...] = (
    ("What time do you open on Sundays?",),
    ("No, wait, that is not what I meant.",),
    ("Please tell me about the other shop.",),
)

_VOICED_DB = -35.0  # against the loudest stretch of a phrase
_STRETCH_S = 0.01

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Seconds from the start of its track.

    Args:
        label: the same for the same sound, in whatever track it is.
        phrases: when each begins and ends. Hesitations lie between them.
        convincing_s: by when 0.2 s of it have been heard, pauses not counted.
    """

    label: str
    phrases: tuple[tuple[float, float], ...]
    convincing_s: float

    @property
    def onset_s(self) -> float:
        return self.phrases[0][0]

    @property
    def end_s(self) -> float:
        """Of its last sound."""
        return self.phrases[-1][1]

    def later(self, delay_s: float) -> Turn:
        return replace(
            self,
            phrases=tuple((begin_s + delay_s, end_s + delay_s) for begin_s, end_s in self.phrases),
            convincing_s=self.convincing_s + delay_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Args: samples: float, of shape (n,), at SAMPLE_RATE; noise alone after the last turn."""

    samples: Samples
    turns: tuple[Turn, ...]

    @property
    def duration_s(self) -> float:
        return self.samples.size / SAMPLE_RATE


def tracks(script: tuple[tuple[str | float, ...], ...]) -> list[Track]:
    """One for each level of noise; the speech in them is the same, to the sample."""
    parts = [np.zeros(round(LEAD_IN_S * SAMPLE_RATE))]
    turns = []
    for number, phrases in enumerate(script, start=1):
        sounds = [_sound(phrase) for phrase in phrases]
        onset_s = sum(part.size for part in parts) / SAMPLE_RATE
        ends_s = onset_s + np.cumsum([sound.size for sound in sounds]) / SAMPLE_RATE
        turn = Turn(
            label=str(number),
            phrases=tuple(
                (float(end_s) - sound.size / SAMPLE_RATE, float(end_s))
                for phrase, sound, end_s in zip(phrases, sounds, ends_s, strict=True)
                if isinstance(phrase, str)
            ),
            convincing_s=onset_s + _reaches(np.concatenate(sounds), CONVINCING_S),
        )
        turns.append(turn)
        parts += [*sounds, np.zeros(round(GAP_S * SAMPLE_RATE))]
    clean = np.concatenate(parts)
    clean = np.pad(clean, (0, -clean.size % GRAIN_SAMPLES))
    return [
        Track(
            samples=clean + noise(clean.size, level_dbfs, seed),
            turns=tuple(replace(turn, label=f"{name} {turn.label}") for turn in turns),
        )
        for seed, (name, level_dbfs) in enumerate(NOISE_DBFS.items())
    ]


def joined(parts: list[Track]) -> Track:
    """One after the other."""
    turns: list[Turn] = []
    start_s = 0.0
    for part in parts:
        turns += [turn.later(start_s) for turn in part.turns]
        start_s += part.duration_s
    return Track(samples=np.concatenate([part.samples for part in parts]), turns=tuple(turns))


def noise(size: int, level_dbfs: float, seed: int) -> Samples:
    """Pink, as rooms are: its power falls by 3 dB an octave."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 20.0)), size)
    return pink * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(np.square(pink)))


def _sound(phrase: str | float) -> Samples:
    """Seconds of silence, or words without any round them, at SPEECH_DBFS."""
    if not isinstance(phrase, str):
        return np.zeros(round(phrase * SAMPLE_RATE))
    rate, spoken = get_tts_model().tts(phrase)
    samples = soxr.resample(spoken.astype(np.float64), rate, SAMPLE_RATE)
    voiced = np.flatnonzero(_voiced(samples))
    width = round(_STRETCH_S * SAMPLE_RATE)
    samples = samples[voiced[0] * width : (voiced[-1] + 1) * width]
    loud = samples[np.repeat(_voiced(samples), width)[: samples.size]]
    return samples * 10 ** (SPEECH_DBFS / 20) / np.sqrt(np.mean(np.square(loud)))


def _voiced(samples: Samples) -> npt.NDArray[np.bool_]:
    """Of each whole stretch."""
    width = round(_STRETCH_S * SAMPLE_RATE)
    power = np.square(samples[: samples.size // width * width]).reshape(-1, width).mean(axis=1)
    voiced: npt.NDArray[np.bool_] = power > power.max() * 10 ** (_VOICED_DB / 10)
    return voiced


def _reaches(spoken: Samples, voiced_s: float) -> float:
    """Seconds until so much sound has been made."""
    stretches = np.cumsum(_voiced(spoken)) * _STRETCH_S
    return float(np.searchsorted(stretches, voiced_s - 1e-9) + 1) * _STRETCH_S
