"""In what messages audio leaves for a client, by what it said of itself."""

from dataclasses import dataclass

from rtc.core.formats import Encoding, MediaFormat

FRAME_S = 0.02
"""A message to a client that declared its format."""
QUANTUM_SAMPLES = 128
"""A Web Audio render quantum: a buffer that ends inside one wastes the rest of it."""
BUFFER_SAMPLES = 4096
"""A message to the published client. It starts each buffer when the last one has ended, which it learns between two
output callbacks. Measured in Chromium at 24000 Hz, the gap after a buffer of 1104 samples is 4.2 ms, of 4800 samples
4.7 ms, of 4096 samples 0.1 ms: a whole number of quanta and, nearly, of callbacks, of any common size."""
FILL_SLACK_S = 0.1
"""How much later than in real time audio may come and still be put into one buffer with what came before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayoutFormat:
    """What leaves.

    Args:
        sample_rate: Hz.
        piece_samples: the longest message.
        lead_s: how far ahead of what has been played audio may be sent.
        fill_s: how long a shorter message waits to grow to `piece_samples`.
        quantum_samples: a message is padded with silence to a multiple of this.
    """

    encoding: Encoding
    sample_rate: int
    piece_samples: int
    lead_s: float
    fill_s: float = 0.0
    quantum_samples: int = 1


def playout_format(media_format: MediaFormat | None, handler_rate: int, lead_s: float) -> PlayoutFormat:
    """Our own clients and scripts get 20 ms frames, as soon as they are there. The published client plays each
    message as a buffer of its own, and only lengths that its audio output can play without a gap will do.
    """
    if media_format is None:
        longest = min(BUFFER_SAMPLES, round(lead_s * handler_rate))
        piece = max(QUANTUM_SAMPLES, longest - longest % QUANTUM_SAMPLES)
        return PlayoutFormat(
            encoding=Encoding.MULAW,
            sample_rate=handler_rate,
            piece_samples=piece,
            lead_s=lead_s,
            fill_s=piece / handler_rate + FILL_SLACK_S,
            quantum_samples=QUANTUM_SAMPLES,
        )
    rate = media_format.sample_rate
    return PlayoutFormat(
        encoding=media_format.encoding, sample_rate=rate, piece_samples=round(FRAME_S * rate), lead_s=lead_s
    )
