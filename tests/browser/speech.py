"""Spoken text as a WAV file, from the speech synthesizer that `espeakng-loader` carries."""

import ctypes
import wave
from pathlib import Path

import espeakng_loader
import numpy as np
import soxr

SAMPLE_RATE = 48000
NOISE_DBFS = -50.0  # under the voice, so that its pauses are told from gaps in playback

TEXT = """
Good morning. I am calling about the order that should have come on Tuesday. It was a green lamp, two wooden
chairs and a small carpet. The lamp came, but one of the chairs is missing, and the carpet is far too long for
the room. Could you look that up for me? My number is four seven one, nine nine two. Yes, I can wait. There
was a letter, too, but it rained and the ink ran, so I could not read much of it. Oh, that is strange. So the
other chair went to my neighbour? I did not know that she had moved. Well, then I will walk over this evening
and ask. About the carpet: is there one that measures two metres by three? Blue would be fine, or something
quiet, like grey. How long does it take? A week is quick enough. We have visitors at the end of the month, and
until then everything has to be in its place. Thank you very much for your help. By the way, the young man who
brought the lamp was very kind. He carried it up five floors, since the lift was out of order, and he even put
in the bulb. Please tell him that it works. Goodbye, and have a nice weekend!
"""

_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: samples go to the callback, espeak_Synth returns when all are there
_UTF8 = 1
_CHARACTERS = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str) -> tuple[int, np.ndarray]:
    """Returns the sample rate in Hz and int16 of shape (n,)."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    chunks: list[np.ndarray] = []

    @_CALLBACK
    def keep(samples, count, events):
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(keep)
    library.espeak_SetVoiceByName(b"en-us")
    encoded = text.encode()
    failed = library.espeak_Synth(encoded, len(encoded) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
    library.espeak_Terminate()
    if failed or not chunks:
        raise RuntimeError(f"the speech synthesizer gave nothing: {failed}")
    return rate, np.concatenate(chunks)


def write_speech(path: Path) -> None:
    """About a minute of speech in a mono WAV file at 48000 Hz, nowhere digitally silent."""
    rate, spoken = speak(TEXT)
    samples = soxr.resample(spoken.astype(np.float64) / 32768 / 2, rate, SAMPLE_RATE)
    noise = np.random.default_rng(seed=7).standard_normal(samples.size) * 10 ** (NOISE_DBFS / 20)
    write_wav(path, ((samples + noise) * 32767).astype(np.int16))


def write_wav(path: Path, samples: np.ndarray) -> None:
    """int16 of shape (n,) at SAMPLE_RATE."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
