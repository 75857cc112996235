"""What a handler hands over besides audio, and how to take an emission apart."""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtc.core.audio import to_int16, to_mono

Audio: TypeAlias = NDArray[np.int16 | np.float32]
AudioFrame: TypeAlias = tuple[int, Audio] | tuple[int, Audio, Literal["mono", "stereo"]]


class AdditionalOutputs:
    """Values for the client beside the audio; they reach it on `/outputs`, announced by `fetch_output`."""

    payload: str | None = None
    """Their JSON, where it was made already."""

    def __init__(self, *args: Any) -> None:
        self.args = args


class CloseStream:
    """End the session once all audio emitted before it has been played."""

    def __init__(self, msg: str = "Stream closed") -> None:
        self.msg = str(msg)  # perhaps a lazy translation


Control: TypeAlias = AdditionalOutputs | CloseStream
AudioEmitType: TypeAlias = AudioFrame | Control | tuple[AudioFrame | None, Control] | None


_INT16 = np.dtype(np.int16)


def plain_audio(value: Any) -> tuple[int, NDArray[np.int16]] | None:
    """The audio of an emission that is ready to be sent, as nearly all of them are: one channel of int16 and nothing
    beside it, `(sample_rate in Hz, samples of shape (n,))`. None for any other, which `take_apart` is for.
    """
    if type(value) is not tuple or len(value) != 2:
        return None
    sample_rate, samples = value
    if (
        type(samples) is not np.ndarray
        or samples.dtype is not _INT16
        or type(sample_rate) is not int
        or sample_rate <= 0
    ):
        return None
    if samples.ndim == 1:
        return sample_rate, samples
    return (sample_rate, samples[0]) if samples.ndim == 2 and len(samples) == 1 else None


def take_apart(value: Any) -> tuple[AudioFrame | None, Control | None]:
    """Read what `emit` returned or a generator yielded: its audio and the rest.

    Audio is `(sample_rate in Hz, samples)` or `(sample_rate, samples, layout)`.

    Raises:
        TypeError: names what was found where audio was expected.
    """
    if isinstance(value, tuple):
        if 2 <= len(value) <= 3 and isinstance(value[1], np.ndarray):
            return value, None
        if len(value) == 2 and isinstance(value[1], AdditionalOutputs | CloseStream):
            return take_apart(value[0])[0], value[1]
    if value is None:
        return None, None
    if isinstance(value, AdditionalOutputs | CloseStream):
        return None, value
    raise TypeError(
        "expected (sample_rate, array), AdditionalOutputs, CloseStream, (frame, AdditionalOutputs) or None, "
        f"got {_kind(value)}"
    )


def _kind(value: Any) -> str:
    if not isinstance(value, tuple):
        return type(value).__name__
    return f"({', '.join(type(part).__name__ for part in value)})"


def to_pcm(frame: AudioFrame) -> tuple[int, NDArray[np.int16]]:
    """An emission's audio as one channel of int16, `(sample_rate in Hz, samples of shape (n,))`.

    Raises:
        TypeError, ValueError, OverflowError: it can't be.
    """
    sample_rate, samples = frame[0], frame[1]
    samples = to_mono(samples, frame[2]) if len(frame) == 3 else to_mono(samples)
    sample_rate = int(sample_rate)
    if sample_rate <= 0:
        raise ValueError(f"the sample rate is {sample_rate} Hz")
    return sample_rate, to_int16(samples)
