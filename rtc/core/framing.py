"""Audio cut to frames of one length."""

import numpy as np
from numpy.typing import NDArray

Int16Samples = NDArray[np.int16]


class Framer:
    """Cuts audio, however it arrives, into frames of `frame_samples` samples.

    Raises:
        ValueError: `frame_samples` is not positive.
    """

    def __init__(self, frame_samples: int) -> None:
        if frame_samples <= 0:
            raise ValueError(f"a frame needs at least one sample, not {frame_samples}")
        self.frame_samples = frame_samples
        self._pieces: list[Int16Samples] = []
        self._held_samples = 0

    def push(self, samples: Int16Samples) -> list[Int16Samples]:
        """The frames that are complete with these samples, of shape (n,); what is left over is
        copied and kept. Frames may be views of `samples`.
        """
        if not self._pieces and samples.size == self.frame_samples:
            return [samples]
        complete_samples = self._held_samples + samples.size
        if complete_samples < self.frame_samples:
            self._hold(samples)
            return []
        if self._pieces:
            samples = np.concatenate((*self._pieces, samples))
            self.clear()
        end = samples.size - samples.size % self.frame_samples
        self._hold(samples[end:])
        return [samples[i : i + self.frame_samples] for i in range(0, end, self.frame_samples)]

    def flush(self) -> Int16Samples | None:
        """The rest, shorter than a frame; None if there is none."""
        if not self._pieces:
            return None
        rest = np.concatenate(self._pieces)
        self.clear()
        return rest

    def clear(self) -> None:
        """Drops the rest."""
        self._pieces = []
        self._held_samples = 0

    def _hold(self, samples: Int16Samples) -> None:
        if samples.size:
            self._pieces.append(samples.copy())
            self._held_samples += samples.size
