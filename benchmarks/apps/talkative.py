from __future__ import annotations

import asyncio
from typing import Any

from rtc import AdditionalOutputs, AsyncStreamHandler, CloseStream, Stream


class Talkative(AsyncStreamHandler):
    """Emits `count` outputs, one every `pause_s` seconds: both are the client's params."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000, output_sample_rate=24000)
        self._sent = 0

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        if self._sent == self.session.params["count"]:
            return CloseStream()
        await asyncio.sleep(self.session.params["pause_s"])
        self._sent += 1
        return AdditionalOutputs({"n": self._sent, "text": "What was said in the last half second, as text."})


stream = Stream(Talkative)
