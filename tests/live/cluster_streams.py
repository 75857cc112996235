import asyncio
from typing import Any

import numpy as np

from rtc import AdditionalOutputs, AsyncStreamHandler, Stream
from tests.live.streams import RATE, WholeEcho

EVERY_S = 0.05


class Busy(AsyncStreamHandler):
    """Emits `{"n": 0}`, `{"n": 1}`, … for good, one every 50 ms, and `{"took": …}` for each input."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._n = 0
        self._taken: asyncio.Queue[list[Any]] = asyncio.Queue()  # the tests put in a few a second

    def set_args(self, args: list[Any]) -> None:
        super().set_args(args)
        self._taken.put_nowait(args)

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> AdditionalOutputs:
        try:
            async with asyncio.timeout(EVERY_S):
                return AdditionalOutputs({"took": await self._taken.get()})
        except TimeoutError:
            self._n += 1
            return AdditionalOutputs({"n": self._n - 1})


echo = Stream(WholeEcho(RATE))
busy = Stream(Busy)
