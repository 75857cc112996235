"""A record of calls that is no database, and an admission that asks none."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from rtc.core.messages import Start
from rtc.particulars import Figures
from rtc.payloads import output_payload


class MemoryRecord:
    """What one call left behind. Times are the loop's; an output's value is what a reader of `/outputs` parses."""

    def __init__(self, pk: int, user: Any = None) -> None:
        self.pk = pk
        self.user = user
        self.outputs: list[tuple[float, Any]] = []
        self.inputs: list[tuple[float, list[Any]]] = []
        self.entries: list[tuple[float, str, str]] = []
        self.turns: list[tuple[float, dict[str, Any]]] = []
        self.ends = 0
        self.end_reason: str | None = None
        self.close_code: int | None = None
        self.figures: Figures | None = None
        self._loop = asyncio.get_running_loop()

    def started(self) -> None:
        """The handler is about to run."""

    async def flush(self) -> None:
        await asyncio.sleep(0)

    async def output(self, args: tuple[Any, ...], stored: Callable[[int], None], *, payload: str | None = None) -> None:
        """Raises: TypeError, ValueError, for what can't be written as JSON."""
        if payload is None:
            payload = output_payload(args)
        self.outputs.append((self._loop.time(), json.loads(payload)))
        self._loop.call_soon(stored, 1)

    def input(self, values: list[Any], body: str = "") -> None:
        self.inputs.append((self._loop.time(), values))

    def entry(self, kind: str, text: str = "") -> None:
        self.entries.append((self._loop.time(), kind, text))

    def turn(self, figures: dict[str, Any]) -> None:
        self.turns.append((self._loop.time(), figures))

    def failed(self, error: Exception) -> None:
        self.entry("failed", str(error))

    def ended(self, reason: str, close_code: int | None, figures: Figures) -> None:
        self.ends += 1
        self.end_reason, self.close_code, self.figures = reason, close_code, figures


class MemoryAdmission:
    """Lets everyone in, as `user`; `records` holds one of each call."""

    def __init__(self, user: Any = None) -> None:
        self.user = user
        self.records: list[MemoryRecord] = []

    async def admit(self, start: Start, wanted: Callable[[], bool]) -> MemoryRecord:
        await asyncio.sleep(0)
        return self.enter(start)

    def abandon(self) -> None:
        pass

    def enter(self, start: Start) -> MemoryRecord:
        """Raises: Refused, when a subclass wants to."""
        record = MemoryRecord(len(self.records) + 1, self.user)
        self.records.append(record)
        return record
