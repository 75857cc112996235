import asyncio
import math
from collections.abc import Iterator

import numpy as np

from fastrtc_project.assistant.voice import Conversation
from rtc import AdditionalOutputs, AsyncStreamHandler, AudioEmitType, ReplyOnPause, Stream

Frame = tuple[int, np.ndarray]

BACKLOG_LIMIT_S = 0.36  # of audio sent back and not yet played; live, a published client has up to 0.34 s
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
    """Says back what it hears, live: what came in a burst, after a stall say, is dropped rather than played late."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=48000, output_sample_rate=24000)
        # Bounded by BACKLOG_LIMIT_S: emit() takes frames as fast as they come.
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._interval: list[np.ndarray] = []
        self._interval_samples = 0

    async def receive(self, frame: Frame) -> None:
        if self.session.unplayed_s() < BACKLOG_LIMIT_S:
            self._frames.put_nowait(frame)

    async def emit(self) -> AudioEmitType:
        rate, samples = await self._frames.get()
        self._interval.append(samples)
        self._interval_samples += samples.size
        if self._interval_samples < rate * LOUDNESS_INTERVAL_S:
            return rate, samples
        loudness = loudness_dbfs(np.concatenate(self._interval, axis=-1))
        self._interval.clear()
        self._interval_samples = 0
        return (rate, samples), AdditionalOutputs({"loudness_dbfs": loudness})


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


def new_assistant() -> ReplyOnPause:
    conversation = Conversation()
    return ReplyOnPause(conversation.reply, startup_fn=conversation.greet)


echo = Stream(EchoHandler, name="Echo", description="Says back what you say.")
tune = Stream(play_tune, mode="receive", name="Tune", description="Plays for 20 seconds, then hangs up.")
assistant = Stream(
    new_assistant,
    name="Assistant",
    description="Takes notes, reads them back, counts, and tells the time. Speech and language stay on this server.",
)
