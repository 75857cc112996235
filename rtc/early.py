"""Audio that comes between `start` and the handler: bounded, and the oldest goes first."""

from collections import deque
from collections.abc import Iterator

FRAMES = 256
BYTES = 512 * 1024
"""Five seconds of the fullest format."""


class EarlyAudio:
    """Payloads, each with the time it came at, in seconds of any clock."""

    def __init__(self) -> None:
        self._payloads: deque[tuple[bytes, float]] = deque()
        self._size = 0

    def put(self, payload: bytes, now: float) -> None:
        self._payloads.append((payload, now))
        self._size += len(payload)
        while len(self._payloads) > FRAMES or (self._size > BYTES and len(self._payloads) > 1):
            dropped, _ = self._payloads.popleft()
            self._size -= len(dropped)

    def take_all(self) -> Iterator[tuple[bytes, float]]:
        while self._payloads:
            yield self._payloads.popleft()
