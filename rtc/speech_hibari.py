"""Text-to-speech by hibari, an American English voice; the package `hibari-tts` carries its weights."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtc.extras import import_extra

Speech = tuple[int, NDArray[np.float32]]

SLOWEST, FASTEST = 0.5, 2.0


class TTSOptions:
    """What a voice is told besides the text; each voice has its own."""


@dataclass(frozen=True)
class HibariTTSOptions(TTSOptions):
    """Args: speed: 1.0 is the voice's own pace, 0.5 to 2.0.

    Raises:
        ValueError: for another speed.
    """

    speed: float = 1.0

    def __post_init__(self) -> None:
        if not SLOWEST <= self.speed <= FASTEST:
            raise ValueError(f"speed is {SLOWEST} to {FASTEST}, got {self.speed}")


@dataclass(frozen=True)
class KokoroTTSOptions(TTSOptions):
    """The options of FastRTC's voice, of which this one has but `speed`. Raises: as `HibariTTSOptions`."""

    voice: str = "af_heart"
    speed: float = 1.0
    lang: str = "en-us"

    def __post_init__(self) -> None:
        HibariTTSOptions(self.speed)


Options = HibariTTSOptions | KokoroTTSOptions


class HibariTTS:
    """Load the voice and warm it up.

    Raises:
        ImproperlyConfigured: the extra `tts` is not installed.
    """

    def __init__(self) -> None:
        hibari = import_extra("hibari", extra="tts", feature="The text-to-speech model hibari")
        self.sample_rate: int = hibari.SAMPLE_RATE
        self._voice = hibari.Hibari()
        # Its dictionaries load when first used, and nothing says that they may from two threads.
        self._lock = threading.Lock()
        self.tts("Ready.")

    def tts(self, text: str, options: Options | None = None) -> Speech:
        """The rate in Hz and float32 of shape (n,). From any thread; it blocks, for about a 130th of the duration."""
        spoken = [samples for _, samples in self.stream_tts_sync(text, options)]
        return self.sample_rate, np.concatenate([np.zeros(0, np.float32), *spoken])

    async def stream_tts(self, text: str, options: Options | None = None) -> AsyncGenerator[Speech, None]:
        """The same a sentence at a time; the work is done in threads."""
        sentences = self.stream_tts_sync(text, options)
        while (spoken := await asyncio.to_thread(next, sentences, None)) is not None:
            yield spoken

    def stream_tts_sync(self, text: str, options: Options | None = None) -> Generator[Speech, None, None]:
        """The same for code that may block."""
        speed = (options or HibariTTSOptions()).speed
        for sentence in self._voice.split_sentences(text):
            with self._lock:
                samples = self._voice(sentence, speed)
            if samples.size:
                yield self.sample_rate, samples
