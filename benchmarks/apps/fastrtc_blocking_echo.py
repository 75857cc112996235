"""The handler of blocking_echo.py with its import changed back, mounted the way FastRTC's documentation does."""

from __future__ import annotations

from queue import Queue
from typing import Any

from fastapi import FastAPI  # type: ignore[import-not-found]
from fastrtc import Stream, StreamHandler  # type: ignore[import-not-found]

SAMPLE_RATE = 24000
NO_LIMIT = 100_000  # FastRTC's own default is one caller


class BlockingEcho(StreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=SAMPLE_RATE, output_sample_rate=SAMPLE_RATE)
        self.queue: Queue[Any] = Queue()

    def receive(self, frame: Any) -> None:
        self.queue.put(frame)

    def emit(self) -> Any:
        return self.queue.get()

    def copy(self) -> BlockingEcho:
        return BlockingEcho()

    def start_up(self) -> None:
        pass

    def shutdown(self) -> None:
        pass


stream = Stream(handler=BlockingEcho(), modality="audio", mode="send-receive", concurrency_limit=NO_LIMIT)
application = FastAPI()
stream.mount(application)
