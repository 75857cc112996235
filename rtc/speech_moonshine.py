"""Speech-to-text by Moonshine tiny, for English; the package `moonshine-voice` carries library and weights."""

import threading
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from rtc.core.audio import to_float32, to_mono
from rtc.core.speech_pieces import pieces
from rtc.extras import import_extra
from rtc.porting import model_here

MODEL = "moonshine/tiny"
SAMPLE_RATE = 16_000
WARM_UP_S = 1.0
LONGEST_PIECE_S = 15.0
"""Given much more at once, the model loses the thread and repeats itself."""


class MoonshineSTT:
    """Load the model and warm it up.

    Args:
        model: the name of this one, or FastRTC's "moonshine/base", which is warned of.

    Raises:
        ImproperlyConfigured: the extra `stt` is not installed.
        ValueError: another model.
    """

    def __init__(self, model: str = MODEL) -> None:
        if model_here(model) != MODEL:
            raise ValueError(f"the model is {MODEL!r}, not {model!r}")
        moonshine = import_extra("moonshine_voice", extra="stt", feature="The speech-to-text model moonshine/tiny")
        self._transcriber = moonshine.Transcriber(
            str(moonshine.get_model_path("tiny-en")),
            moonshine.ModelArch.TINY,
            # 0: its own search for speech is off; the callers have found it already, and it cuts words off.
            options={"vad_threshold": "0.0", "return_audio_data": "false", "identify_speakers": "false"},
        )
        # The library frees a result at the next call.
        self._lock = threading.Lock()
        self.stt((SAMPLE_RATE, np.zeros(round(WARM_UP_S * SAMPLE_RATE), np.float32)))

    def stt(self, audio: tuple[int, NDArray[np.int16] | NDArray[np.float32]]) -> str:
        """The words in `(sample_rate in Hz, int16 or float32 of shape (n,) or (1, n))`, with punctuation.

        From any thread; it blocks, for about a thirtieth of the audio's duration. Silence may be taken for a word.
        """
        sample_rate, samples = audio
        mono = soxr.resample(to_float32(to_mono(samples)), sample_rate, SAMPLE_RATE)
        found = (self._transcribe(piece) for piece in pieces(mono, SAMPLE_RATE, LONGEST_PIECE_S))
        return " ".join(text for text in found if text)

    def _transcribe(self, samples: NDArray[Any]) -> str:
        with self._lock:
            transcript = self._transcriber.transcribe_without_streaming(samples.tolist(), SAMPLE_RATE)
        return " ".join(line.text.strip() for line in transcript.lines)
