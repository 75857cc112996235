from __future__ import annotations

import time
from typing import Any

from rtc import Stream, StreamHandler

EACH_S = 0.1


class Computing(StreamHandler):
    """Runs Python in its thread, as much of the time as the client's param `share` says."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000, output_sample_rate=24000)

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> None:
        share = self.session.params["share"]
        rest_at = time.monotonic() + EACH_S * share
        while time.monotonic() < rest_at:
            sum(range(100))
        time.sleep(EACH_S * (1 - share))


stream = Stream(Computing)
