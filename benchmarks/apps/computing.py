from __future__ import annotations

import time
from typing import Any

from rtc import Stream, StreamHandler

AT_ONCE_S = 0.1


class Computing(StreamHandler):
    """Runs Python in its thread, all the time."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000, output_sample_rate=24000)

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> None:
        until = time.monotonic() + AT_ONCE_S
        while time.monotonic() < until:
            sum(range(100))


stream = Stream(Computing)
