import asyncio

import numpy as np

from rtc import AsyncStreamHandler, Stream


class WholeEcho(AsyncStreamHandler):
    """Echoes every frame, however late: for tests that count or compare samples."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(input_sample_rate=sample_rate, output_sample_rate=sample_rate)
        # Unbounded: the tests that use it send a few seconds at most.
        self._frames: asyncio.Queue[tuple[int, np.ndarray]] = asyncio.Queue()

    def copy(self) -> "WholeEcho":
        return WholeEcho(self.input_sample_rate)

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._frames.put_nowait(frame)

    async def emit(self) -> tuple[int, np.ndarray]:
        return await self._frames.get()


exact_echo = Stream(WholeEcho(24000))
