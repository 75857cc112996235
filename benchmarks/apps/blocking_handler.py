"""The echo of FastRTC's documentation, for either `StreamHandler`: `emit` blocks until there is something to emit."""

from __future__ import annotations

from queue import Queue
from typing import Any

SAMPLE_RATE = 24000


def blocking_echo(stream_handler: type[Any]) -> Any:
    """A handler that subclasses FastRTC's `StreamHandler`, or ours."""

    class BlockingEcho(stream_handler):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(input_sample_rate=SAMPLE_RATE, output_sample_rate=SAMPLE_RATE)
            self.queue: Queue[Any] = Queue()

        def receive(self, frame: Any) -> None:
            self.queue.put(frame)

        def emit(self) -> Any:
            return self.queue.get()

        def copy(self) -> Any:
            return BlockingEcho()

        def start_up(self) -> None:
            pass

        def shutdown(self) -> None:
            pass

    return BlockingEcho()
