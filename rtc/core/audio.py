"""Sample formats: G.711 mu-law, 16-bit PCM, float32, and channel layouts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Int16Samples = NDArray[np.int16]
Float32Samples = NDArray[np.float32]

FULL_SCALE = 32768.0
LOUDEST = 2.0
"""Float32 samples that get louder are not meant to be from -1 to 1."""

_INT16 = np.dtype(np.int16)
_FLOAT32 = np.dtype(np.float32)

# G.711 in 16-bit terms: the bias puts the segment boundaries on powers of two, the clip keeps
# magnitude + bias within 15 bits.
_BIAS = 0x84
_CLIP = 32635
_SIGN_BIT = 0x80


def _decode_table() -> Int16Samples:
    codes = ~np.arange(256, dtype=np.uint8)
    segment = (codes >> 4 & 7).astype(np.int32)
    magnitude = ((((codes & 15).astype(np.int32) << 3) + _BIAS) << segment) - _BIAS
    return np.where(codes & _SIGN_BIT, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    """Code of each int16 value, indexed by the value: a negative one counts from the end, where its bits as uint16 have
    their place.
    """
    values = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(values), _CLIP) + _BIAS
    segment = np.log2(biased).astype(np.int32) - 7
    mantissa = biased >> (segment + 3) & 15
    sign = np.where(values < 0, _SIGN_BIT, 0)
    codes: NDArray[np.uint8] = (~(sign | segment << 4 | mantissa) & 0xFF).astype(np.uint8)
    return codes


_MULAW_TO_INT16 = _decode_table()
_INT16_TO_MULAW = _encode_table()


def decode_mulaw(payload: bytes) -> Int16Samples:
    """Samples of G.711 mu-law, one byte a sample: int16 of shape (n,), a fresh array."""
    return _MULAW_TO_INT16.take(np.frombuffer(payload, np.uint8))


def decode_mulaw_frame(payload: bytes) -> Int16Samples:
    """The same in shape (1, n), which handlers are given: to shape it later would cost another array."""
    return _MULAW_TO_INT16.take(np.ndarray((1, len(payload)), np.uint8, payload))


def encode_mulaw(samples: NDArray[Any]) -> bytes:
    """G.711 mu-law of int16 or float32 samples of shape (n,) or (1, n).

    Raises:
        TypeError: the samples are neither int16 nor float32.
    """
    return _INT16_TO_MULAW.take(to_int16(samples)).tobytes()


def decode_pcm16(payload: bytes) -> Int16Samples:
    """Samples of little-endian 16-bit PCM: int16 of shape (n,), a fresh array.

    Raises:
        ValueError: the payload is not a whole number of samples.
    """
    if len(payload) % 2:
        raise ValueError(f"16-bit PCM of odd length: {len(payload)} bytes")
    return np.frombuffer(payload, "<i2").astype(np.int16)


def decode_pcm16_frame(payload: bytes) -> Int16Samples:
    """The same in shape (1, n)."""
    return decode_pcm16(payload)[np.newaxis]


def encode_pcm16(samples: NDArray[Any]) -> bytes:
    """Little-endian 16-bit PCM of int16 or float32 samples of shape (n,) or (1, n).

    Raises:
        TypeError: the samples are neither int16 nor float32.
    """
    return to_int16(samples).astype("<i2", copy=False).tobytes()


def to_int16(samples: NDArray[Any]) -> Int16Samples:
    """Samples as int16: an int16 array is returned itself; float32 is clipped to -1..1 and scaled
    by 32767 to the nearest integer, and a NaN becomes silence.

    Raises:
        TypeError: any other dtype.
    """
    if samples.dtype is _INT16 or samples.dtype == _INT16:  # as a rule it is the one object, and comparing is slow
        return samples
    if samples.dtype != _FLOAT32:
        raise TypeError(f"audio must be int16 or float32, not {samples.dtype}")
    scaled = np.rint(np.minimum(np.maximum(samples, -1.0), 1.0) * 32767.0)
    if np.isnan(scaled).any():
        scaled = np.nan_to_num(scaled)
    rounded: Int16Samples = scaled.astype(np.int16)
    return rounded


def to_float32(samples: NDArray[Any]) -> Float32Samples:
    """Samples as float32 from -1 to below 1: int16 is divided by 32768; float32 is returned itself.

    Raises:
        TypeError: any other dtype.
    """
    if samples.dtype == _FLOAT32:
        return samples
    if samples.dtype != _INT16:
        raise TypeError(f"audio must be int16 or float32, not {samples.dtype}")
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def to_frame(samples: NDArray[Any]) -> Int16Samples:
    """What a handler hands on of a frame that it was given: int16 of shape (n,), of int16 or float32 of shape (n,) or
    (1, n).

    Raises:
        TypeError: any other dtype.
        ValueError: any other shape, or float32 that is not from -1 to 1.
    """
    mono = _single_row(samples, "mono")
    if mono.dtype == _FLOAT32 and mono.size and (peak := float(np.abs(mono).max())) > LOUDEST:
        raise ValueError(f"float32 audio is from -1 to 1, and this reaches {peak:.0f}: divide it by 32768")
    return to_int16(mono)


def to_mono(samples: NDArray[Any], layout: str = "mono") -> NDArray[Any]:
    """One channel of shape (n,), of the dtype that came in.

    Args:
        samples: "mono": (n,) or (1, n). "stereo": (2, n), one row a channel, or interleaved left,
            right, left, right in (2n,) or (1, 2n); the channels are averaged.
        layout: "mono" or "stereo".

    Raises:
        ValueError: an unknown layout, or a shape that does not fit it.
    """
    if layout == "mono":
        return _single_row(samples, layout)
    if layout != "stereo":
        raise ValueError(f"audio layout must be 'mono' or 'stereo', not {layout!r}")
    if samples.ndim == 2 and samples.shape[0] == 2:
        return _averaged(samples[0], samples[1])
    interleaved = _single_row(samples, layout)
    if interleaved.size % 2:
        raise ValueError(f"interleaved stereo needs an even length, not shape {samples.shape}")
    return _averaged(interleaved[0::2], interleaved[1::2])


def _single_row(samples: NDArray[Any], layout: str) -> NDArray[Any]:
    if samples.ndim == 1:
        return samples
    if samples.ndim == 2 and samples.shape[0] == 1:
        row: NDArray[Any] = samples[0]
        return row
    raise ValueError(f"{layout} audio can't have shape {samples.shape}")


def _averaged(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    # Halved before they are added, so that int16 can't overflow.
    averaged: NDArray[Any] = (left * 0.5 + right * 0.5).astype(left.dtype)
    return averaged
