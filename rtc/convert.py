"""Audio and messages in the forms handlers exchange with other services."""

import asyncio
import json
import tempfile
import warnings
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Literal

import lameenc
import numpy as np
from numpy.typing import NDArray

from rtc.core.audio import decode_pcm16, encode_pcm16, to_float32, to_int16, to_mono
from rtc.core.resampling import Resampler

# The rates of MPEG-1, MPEG-2 and MPEG-2.5, Hz.
MP3_SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3_BIT_RATE_KBPS = 128
_MP3_QUALITY = 2  # LAME's scale, where 0 is the best and slowest.


def audio_to_bytes(audio: tuple[int, NDArray[Any]]) -> bytes:
    """MP3 of one channel of audio.

    Args:
        audio: the sample rate in Hz, and int16 or float32 samples of shape (n,) or (1, n). A rate
            that MP3 doesn't have is resampled to the next higher one, or to 48000.

    Raises:
        TypeError: the samples are neither int16 nor float32.
        ValueError: the samples are not one channel.
    """
    sample_rate, samples = audio
    mp3_rate = next((rate for rate in MP3_SAMPLE_RATES if rate >= sample_rate), MP3_SAMPLE_RATES[-1])
    resampler = Resampler(sample_rate, mp3_rate)
    mono = np.concatenate((resampler.process(to_int16(to_mono(samples))), resampler.flush()))
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_bit_rate(MP3_BIT_RATE_KBPS)
    encoder.set_quality(_MP3_QUALITY)
    encoder.set_in_sample_rate(mp3_rate)
    encoder.set_out_sample_rate(mp3_rate)
    return bytes(encoder.encode(encode_pcm16(mono)) + encoder.flush())


def audio_to_file(audio: tuple[int, NDArray[Any]]) -> str:
    """Path of a new temporary .mp3 file with the audio; the caller removes it.

    Takes and raises what `audio_to_bytes` does.
    """
    payload = audio_to_bytes(audio)
    with tempfile.NamedTemporaryFile(suffix=".mp3", delete=False) as file:
        file.write(payload)
    return file.name


def audio_to_float32(audio: NDArray[Any] | tuple[int, NDArray[Any]]) -> NDArray[np.float32]:
    """int16 samples, of any shape, as float32 from -1 to below 1; float32 as it is.

    A (sample rate, samples) tuple is accepted and warned about.

    Raises:
        TypeError: any other dtype.
    """
    if isinstance(audio, tuple):
        _warn_of_tuple("audio_to_float32")
        audio = audio[1]
    return to_float32(audio)


def audio_to_int16(audio: NDArray[Any] | tuple[int, NDArray[Any]]) -> NDArray[np.int16]:
    """float32 samples from -1 to 1, of any shape, as int16; int16 as it is.

    A (sample rate, samples) tuple is accepted and warned about.

    Raises:
        TypeError: any other dtype.
    """
    if isinstance(audio, tuple):
        _warn_of_tuple("audio_to_int16")
        audio = audio[1]
    return to_int16(audio)


def _warn_of_tuple(function_name: str) -> None:
    message = f"{function_name}() takes the samples alone; a (sample rate, samples) tuple is deprecated."
    # 3: the line that called the public function.
    warnings.warn(message, UserWarning, stacklevel=3)


def aggregate_bytes_to_16bit(chunks_iterator: Iterable[bytes]) -> Iterator[NDArray[np.int16]]:
    """The samples, of shape (1, n), of chunks of 16-bit PCM, wherever they are cut.

    A last odd byte is dropped.
    """
    leftover = b""
    for chunk in chunks_iterator:
        samples, leftover = _whole_samples(leftover + chunk)
        if samples.size:
            yield samples


async def async_aggregate_bytes_to_16bit(
    chunks_iterator: AsyncIterable[bytes],
) -> AsyncIterator[NDArray[np.int16]]:
    """`aggregate_bytes_to_16bit` for chunks that arrive asynchronously."""
    leftover = b""
    async for chunk in chunks_iterator:
        samples, leftover = _whole_samples(leftover + chunk)
        if samples.size:
            yield samples


def _whole_samples(payload: bytes) -> tuple[NDArray[np.int16], bytes]:
    end = len(payload) - len(payload) % 2
    return decode_pcm16(payload[:end]).reshape(1, -1), payload[end:]


async def wait_for_item(queue: asyncio.Queue[Any], timeout: float = 0.1) -> Any:
    """The queue's next item; None if there is none within `timeout` seconds. No item is lost."""
    try:
        async with asyncio.timeout(timeout):
            return await queue.get()
    except TimeoutError:
        return None


def create_message(
    type: Literal["send_input", "end_stream", "fetch_output", "stopword", "error", "warning", "log"],
    data: list[Any] | str,
) -> str:
    """The JSON text of a message to the client, as `handler.send_message` takes it."""
    message = {"type": type, "data": data}
    if type in ("error", "warning"):
        message["message"] = data  # clients read one or the other
    return json.dumps(message)
