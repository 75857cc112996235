"""A whole call in one go."""

import asyncio
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtc.core.audio import encode_pcm16, to_int16, to_mono
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.handlers import HandlerBase, StreamHandler
from rtc.streams import Stream
from rtc.testing.client import CallClient
from rtc.testing.clock import run_virtual, until
from rtc.testing.player import Player
from rtc.testing.result import CallResult

Audio = tuple[int, NDArray[Any]]

FRAMES_PER_SECOND = 50
AFTER_S = 2.0
"""How long a call goes on after its audio, unless it is told."""
SILENT_RATE = 24_000
"""The rate of a client that has nothing to play, Hz."""


def run_call(stream: Stream, audio: Audio | str | Path | None = None, **settings: Any) -> CallResult:
    """Call the stream, play the audio to it and then silence, as a microphone would, and hang up.

    A handler that blocks is called in real time, any other in virtual time.

    Args:
        audio: a 16-bit WAV file, or the rate in Hz, 8000 to 48000, and int16 or float32 samples of shape (n,) or
            (1, n). The client hears at the same rate. None: silence, at 24000 Hz.
        **settings: what `call` takes.

    Raises:
        ValueError, TypeError: for audio of another kind.
        RuntimeError: on a running event loop; await `call` there.
    """
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("run_call() can't be called on a running event loop; await call() there")
    run = asyncio.run if blocks(stream) else run_virtual
    return run(call(stream, audio, **settings))


async def call(
    stream: Stream,
    audio: Audio | str | Path | None = None,
    *,
    inputs: Iterable[list[Any]] = (),
    params: dict[str, Any] | None = None,
    seconds: float | None = None,
    alias: str = "default",
    user: Any = None,
) -> CallResult:
    """The same on a running event loop.

    Args:
        inputs: the handler's extra arguments, a list for each time that it asks for input; after the last, none.
        params: the client's own object.
        seconds: when to hang up, unless the session is over before; None: 2 s after the audio.
    """
    rate, samples = (SILENT_RATE, np.zeros(0, np.int16)) if audio is None else read_audio(audio)
    if seconds is None:
        seconds = samples.size / rate + AFTER_S
    client = Player(stream, alias, user=user, inputs=inputs)
    began = client.loop.time()
    media_format = MediaFormat(encoding=Encoding.PCM_S16LE, sample_rate=rate, framing=Framing.BINARY)
    await client.start(media_format=media_format.to_wire(), params=params or {})
    await until(lambda: client.frames)
    if stream.takes_audio:
        await _speak(client, samples, rate, began + seconds)
    else:
        await _listen(client, began + seconds)
    await client.stop()
    await client.leave()
    return client.result(began)


async def _speak(client: CallClient, samples: NDArray[np.int16], rate: int, end: float) -> None:
    """Send 20 ms at a time, silence after the last sample, until the loop's time is `end` or the session is over."""
    began = client.loop.time()
    frame_samples = rate // FRAMES_PER_SECOND
    sent = 0
    while client.close_code is None and (at := began + sent / rate) < end:
        await asyncio.sleep(max(0.0, at - client.loop.time()))
        frame = samples[sent : sent + frame_samples]
        await client.send(encode_pcm16(np.pad(frame, (0, frame_samples - frame.size))))
        sent += frame_samples
    if client.close_code is None:
        await asyncio.sleep(max(0.0, end - client.loop.time()))


async def _listen(client: CallClient, end: float) -> None:
    while client.close_code is None and client.loop.time() < end:
        await asyncio.sleep(1 / FRAMES_PER_SECOND)


def blocks(stream: Stream) -> bool:
    """Whether the stream's handler runs in threads. A function that makes handlers is called to know."""
    handler = stream.handler
    if isinstance(handler, HandlerBase):
        return isinstance(handler, StreamHandler)
    if isinstance(handler, type):
        return issubclass(handler, StreamHandler)
    return isinstance(stream.new_handler(), StreamHandler)


def read_audio(audio: Audio | str | Path) -> Audio:
    """int16 of shape (n,). Raises: ValueError, TypeError."""
    if isinstance(audio, tuple):
        rate, samples = audio
        return rate, to_int16(to_mono(samples))
    with wave.open(str(audio), "rb") as file:
        if file.getsampwidth() != 2 or file.getnchannels() > 2:
            raise ValueError(f"{audio} is not 16-bit audio of one or two channels")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        layout = "stereo" if file.getnchannels() == 2 else "mono"
        return file.getframerate(), to_mono(samples, layout)
