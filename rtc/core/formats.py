"""How audio travels on one socket: encoding, sample rate, framing."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rtc.core.exceptions import ProtocolError

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 48_000


class Encoding(StrEnum):
    MULAW = "mulaw"
    """G.711 mu-law, one byte a sample."""
    PCM_S16LE = "pcm_s16le"
    """Linear, signed 16 bit, little endian."""

    @property
    def bytes_per_sample(self) -> int:
        return 1 if self is Encoding.MULAW else 2


class Framing(StrEnum):
    JSON = "json"
    """`{"event":"media","media":{"payload":<base64>}}` in a text frame."""
    BINARY = "binary"
    """Bare audio bytes in a binary frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFormat:
    """What a client declares in `start`; one channel always. `sample_rate` in Hz."""

    encoding: Encoding = Encoding.MULAW
    sample_rate: int
    framing: Framing = Framing.JSON

    @classmethod
    def from_wire(cls, value: object) -> "MediaFormat":
        """Raises: ProtocolError (`bad_media_format`) that names the offending key."""
        if not isinstance(value, Mapping):
            raise ProtocolError("bad_media_format", "media_format is not an object")
        rate = value.get("sample_rate")
        if type(rate) is not int or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
            raise ProtocolError(
                "bad_media_format", f"sample_rate is not a whole number from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}"
            )
        try:
            encoding = Encoding(value.get("encoding", Encoding.MULAW))
            framing = Framing(value.get("framing", Framing.JSON))
        except ValueError as error:
            raise ProtocolError("bad_media_format", "encoding is mulaw or pcm_s16le, framing json or binary") from error
        return cls(encoding=encoding, sample_rate=rate, framing=framing)

    def to_wire(self) -> dict[str, Any]:
        return {"encoding": str(self.encoding), "sample_rate": self.sample_rate, "framing": str(self.framing)}
