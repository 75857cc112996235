"""The echo of FastRTC's documentation with its import changed: `emit` blocks until there is something to emit."""

from __future__ import annotations

from queue import Queue
from typing import Any

from rtc import Stream, StreamHandler

SAMPLE_RATE = 24000


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


stream = Stream(BlockingEcho(), modality="audio", mode="send-receive")
