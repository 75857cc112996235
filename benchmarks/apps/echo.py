from __future__ import annotations

import asyncio
from typing import Any

from rtc import AsyncStreamHandler, Stream

SAMPLE_RATE = 24000


class Echo(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=SAMPLE_RATE, output_sample_rate=SAMPLE_RATE)
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def receive(self, frame: Any) -> None:
        self.queue.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.queue.get()

    def copy(self) -> Echo:
        return Echo()


stream = Stream(Echo(), modality="audio", mode="send-receive")
