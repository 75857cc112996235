from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from rtc import AdditionalOutputs, AsyncStreamHandler, Stream


class Busy(AsyncStreamHandler):
    """Emits `outputs_per_s` outputs, each with the time on the machine's monotonic clock, and takes any input."""

    async def start_up(self) -> None:
        per_s = self.session.params["outputs_per_s"]
        self._every_s = 1 / per_s if per_s else None
        self._due = self.session.params["first_at"]

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> AdditionalOutputs:
        if self._every_s is None:
            await asyncio.Event().wait()
        else:
            now = time.monotonic()
            missed = max(0, math.ceil((now - self._due) / self._every_s))  # while it started, or was overloaded
            self._due += missed * self._every_s
            await asyncio.sleep(self._due - now)
            self._due += self._every_s
        return AdditionalOutputs({"at": time.monotonic()})

    def copy(self) -> Busy:
        return Busy()


busy = Stream(Busy())
