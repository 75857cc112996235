"""The handler of echo.py with its import changed, mounted the way FastRTC's documentation does."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI  # type: ignore[import-not-found]
from fastrtc import AsyncStreamHandler, Stream  # type: ignore[import-not-found]

SAMPLE_RATE = 24000
NO_LIMIT = 100_000  # FastRTC's own default is one caller


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

    async def start_up(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass


stream = Stream(handler=Echo(), modality="audio", mode="send-receive", concurrency_limit=NO_LIMIT)
application = FastAPI()
stream.mount(application)
