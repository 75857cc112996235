import asyncio
import math
from collections.abc import Iterator

import numpy as np

from rtc import AdditionalOutputs, AsyncStreamHandler, Stream

BACKLOG_LIMIT_MS = 100  # of audio that may wait in the echo: past it, live matters more than whole
LOUDNESS_INTERVAL_S = 5.0  # of audio between two loudness outputs
SILENCE_DBFS = -96.0  # what 16 bits can hold, and the floor that keeps digital silence out of the logarithm

TUNE_SAMPLE_RATE = 24000
BEAT_S = 0.6
NOTE_ATTACK_S = 0.01
NOTE_RELEASE_S = 0.06
NOTE_DECAY_S = 0.5
NOTE_LEVEL = 0.3  # of full scale
OVERTONES = ((1, 1.0), (2, 0.4), (3, 0.15), (4, 0.05))  # (harmonic, level)
MELODY = (  # (MIDI note, beats): the first half of the Ode to Joy
    *((64, 1), (64, 1), (65, 1), (67, 1), (67, 1), (65, 1), (64, 1), (62, 1)),
    *((60, 1), (60, 1), (62, 1), (64, 1), (64, 1.5), (62, 0.5), (62, 2)),
    *((64, 1), (64, 1), (65, 1), (67, 1), (67, 1), (65, 1), (64, 1), (62, 1)),
    *((60, 1), (60, 1), (62, 1), (64, 1), (62, 1.5), (60, 0.5), (60, 2)),
)


class EchoHandler(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=48000, output_sample_rate=24000)
        # Bounded by _drop_stale(): when full, the oldest frame goes.
        self._frames: asyncio.Queue[tuple[int, np.ndarray]] = asyncio.Queue()
        self._waiting_samples = 0
        self._interval: list[np.ndarray] = []
        self._interval_samples = 0

    def copy(self) -> "EchoHandler":
        return EchoHandler()

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        rate, samples = frame
        self._frames.put_nowait(frame)
        self._waiting_samples += samples.size
        self._drop_stale(rate * BACKLOG_LIMIT_MS // 1000)

    async def emit(self):
        rate, samples = await self._frames.get()
        self._waiting_samples -= samples.size
        self._interval.append(samples)
        self._interval_samples += samples.size
        if self._interval_samples < rate * LOUDNESS_INTERVAL_S:
            return rate, samples
        loudness = loudness_dbfs(np.concatenate(self._interval, axis=-1))
        self._interval.clear()
        self._interval_samples = 0
        return (rate, samples), AdditionalOutputs({"loudness_dbfs": loudness})

    def _drop_stale(self, limit_samples: int) -> None:
        while self._waiting_samples > limit_samples and self._frames.qsize() > 1:
            _, dropped = self._frames.get_nowait()
            self._waiting_samples -= dropped.size


def loudness_dbfs(samples: np.ndarray) -> float:
    """RMS level of int16 `samples` in dB, where 0 is a full-scale square wave."""
    rms = math.sqrt(np.mean(np.square(samples, dtype=np.float64))) / 32768
    return round(max(20 * math.log10(rms), SILENCE_DBFS), 1) if rms else SILENCE_DBFS


def bell_note(frequency_hz: float, duration_s: float) -> np.ndarray:
    """One struck note: int16 of shape (n,) at TUNE_SAMPLE_RATE, silent at both ends."""
    time_s = np.arange(round(duration_s * TUNE_SAMPLE_RATE)) / TUNE_SAMPLE_RATE
    tone = sum(level * np.sin(2 * np.pi * frequency_hz * harmonic * time_s) for harmonic, level in OVERTONES)
    attack = np.minimum(time_s / NOTE_ATTACK_S, 1)
    release = np.minimum((duration_s - time_s) / NOTE_RELEASE_S, 1)
    envelope = attack * release * np.exp(-time_s / NOTE_DECAY_S)
    return (NOTE_LEVEL * 32767 * tone * envelope).astype(np.int16)


def play_tune() -> Iterator[tuple[int, np.ndarray]]:
    for midi_note, beats in MELODY:
        frequency_hz = 440 * 2 ** ((midi_note - 69) / 12)
        yield TUNE_SAMPLE_RATE, bell_note(frequency_hz, beats * BEAT_S)


echo = Stream(EchoHandler(), mode="send-receive")
tune = Stream(play_tune, mode="receive")
