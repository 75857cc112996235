import asyncio
import dataclasses
import datetime
import decimal
import random
import uuid

import numpy as np

from rtc import AdditionalOutputs, AsyncStreamHandler, CloseStream, Stream

RATE = 24000


@dataclasses.dataclass
class Point:
    x: float
    at: datetime.date


VALUES = {
    "numpy": {"level": np.float32(0.5), "count": np.int64(3), "samples": np.arange(4, dtype=np.int16).reshape(2, 2)},
    "datetime": datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    "decimal": decimal.Decimal("1.10"),
    "uuid": uuid.UUID(int=7),
    "dataclass": Point(0.5, datetime.date(2030, 1, 2)),
    "text": "two\nlines, event: end\r\ndata: \u00fc \U0001f399",
    "bytes": b"secret",
    "set": {1, 2},
    "lambda": lambda: None,
    "nan": float("nan"),
}


class Counting(AsyncStreamHandler):
    """Emits outputs as the client's params say.

    `count` outputs `{"n": 0}`, `{"n": 1}`, …, with up to `pause_s` between two (`seed` decides). It goes on when audio
    comes if there is `wait`; then closes the stream if there is `close`. `fill` makes each that much longer.
    """

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._n = 0
        self._go = asyncio.Event()

    async def start_up(self) -> None:
        params = self.session.params
        self._count = params.get("count", 0)
        self._pause_s = params.get("pause_s", 0.0)
        self._random = random.Random(params.get("seed"))
        if not params.get("wait"):
            self._go.set()

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._go.set()

    async def emit(self) -> AdditionalOutputs | CloseStream:
        await self._go.wait()
        if self._n == self._count:
            if not self.session.params.get("close"):
                await asyncio.Event().wait()
            return CloseStream()
        if self._pause_s:
            await asyncio.sleep(self._random.uniform(0, self._pause_s))
        self._n += 1
        fill = self.session.params.get("fill", 0)
        return AdditionalOutputs({"n": self._n - 1, **({"fill": "x" * fill} if fill else {})})


class Valued(AsyncStreamHandler):
    """Emits one of VALUES, then a pair."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._emissions = 0

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> AdditionalOutputs | CloseStream:
        self._emissions += 1
        if self._emissions == 1:
            return AdditionalOutputs(VALUES[self.session.params["value"]])
        if self._emissions == 2:
            return AdditionalOutputs(1, "two")
        return CloseStream()


class LiveEcho(AsyncStreamHandler):
    """Echoes, with an output for each frame."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._emissions: asyncio.Queue = asyncio.Queue()  # the tests send a few seconds

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._emissions.put_nowait((frame, AdditionalOutputs({"samples": frame[1].size})))

    async def emit(self):
        return await self._emissions.get()


counting = Stream(Counting)
valued = Stream(Valued)
live_echo = Stream(LiveEcho)
