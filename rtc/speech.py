"""Speech-to-text and text-to-speech under FastRTC's names: `get_stt_model()`, `get_tts_model()`.

The models here come from packages that carry their weights, so nothing is downloaded when they run. Any object of the
same shape does as well.
"""

import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from typing import Any, Protocol, TypedDict, TypeVar

import numpy as np
from django.core.exceptions import ImproperlyConfigured
from numpy.typing import NDArray

from rtc.porting import model_here
from rtc.speech_hibari import HibariTTS, HibariTTSOptions, KokoroTTSOptions, TTSOptions
from rtc.speech_moonshine import MoonshineSTT

__all__ = [
    "AudioChunk",
    "HibariTTS",
    "HibariTTSOptions",
    "KokoroTTSOptions",
    "MoonshineSTT",
    "STTModel",
    "TTSModel",
    "TTSOptions",
    "get_stt_model",
    "get_tts_model",
    "stt_for_chunks",
]

Samples = NDArray[np.int16] | NDArray[np.float32]
Options = TypeVar("Options", contravariant=True)


class AudioChunk(TypedDict):
    """Where speech is: the first sample, and the one after its last."""

    start: int
    end: int


class STTModel(Protocol):
    def stt(self, audio: tuple[int, Samples]) -> str:
        """The words in `(sample_rate in Hz, samples of shape (n,) or (1, n))`; empty when there are none. It blocks."""


class TTSModel(Protocol[Options]):
    def tts(self, text: str, options: Options | None = None) -> tuple[int, Samples]:
        """The text spoken: `(sample_rate in Hz, samples of shape (n,))`. It blocks."""

    def stream_tts(self, text: str, options: Options | None = None) -> AsyncGenerator[tuple[int, Samples], None]:
        """The same in pieces, each as soon as it is there; the event loop is not blocked meanwhile."""

    def stream_tts_sync(self, text: str, options: Options | None = None) -> Generator[tuple[int, Samples], None, None]:
        """The same for code that may block."""


def get_stt_model(model: str = "moonshine/tiny") -> STTModel:
    """The model of that name, loaded and warmed up; one of each a process. The first call takes some 0.3 s.

    Raises:
        ImproperlyConfigured: there is no such model here, or its extra is not installed.
    """
    return _loaded("get_stt_model", _STT_MODELS, model)


def get_tts_model(model: str = "hibari", **others: Any) -> TTSModel[Any]:
    """The voice of that name, loaded and warmed up; one of each a process. The first call takes some 0.5 s.

    Args:
        **others: what FastRTC's other voices take.

    Raises:
        ImproperlyConfigured: there is no such model here, or its extra is not installed.
        TypeError: the voice takes no such argument.
    """
    if others and model_here(model) in _TTS_MODELS:
        raise TypeError(f"the voice {model!r} takes no {', '.join(others)}")
    return _loaded("get_tts_model", _TTS_MODELS, model)


def stt_for_chunks(stt_model: STTModel, audio: tuple[int, Samples], chunks: Iterable[AudioChunk]) -> str:
    """What is said in each of the chunks of the audio, joined."""
    sample_rate, samples = audio
    texts = (stt_model.stt((sample_rate, samples[..., chunk["start"] : chunk["end"]])) for chunk in chunks)
    return " ".join(text for text in texts if text)


_STT_MODELS: dict[str, Callable[[], STTModel]] = {"moonshine/tiny": MoonshineSTT}
_TTS_MODELS: dict[str, Callable[[], TTSModel[Any]]] = {"hibari": HibariTTS}
_models: dict[str, Any] = {}
_loading = threading.Lock()


def _loaded(function_name: str, models: Mapping[str, Callable[[], Any]], name: str) -> Any:
    name = model_here(name)
    if name not in models:
        known = ", ".join(repr(other) for other in models)
        raise ImproperlyConfigured(
            f"{function_name}() knows no model {name!r}, only {known}. A service is called in the handler; and any "
            "object with the methods of rtc.speech.STTModel or TTSModel does where one is wanted."
        )
    with _loading:
        if name not in _models:
            _models[name] = models[name]()
        return _models[name]
