from __future__ import annotations

import asyncio
import time
from typing import Any

from rtc import AdditionalOutputs, AsyncStreamHandler, Stream


class Busy(AsyncStreamHandler):
    """Emits `outputs_per_s` outputs, each with the time on the machine's monotonic clock, and takes any input."""

    async def start_up(self) -> None:
        per_s = self.session.params["outputs_per_s"]
        self._every_s = 1 / per_s if per_s else None
        self._due = time.monotonic()

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> AdditionalOutputs:
        if self._every_s is None:
            await asyncio.Event().wait()
        else:
            self._due = max(time.monotonic(), self._due + self._every_s)
            await asyncio.sleep(self._due - time.monotonic())
        return AdditionalOutputs({"at": time.monotonic()})

    def copy(self) -> Busy:
        return Busy()


busy = Stream(Busy())
