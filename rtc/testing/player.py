"""A client that does by itself what a page does besides speaking."""

import asyncio
from collections.abc import Iterable
from typing import Any

import numpy as np

from rtc.core.audio import decode_pcm16
from rtc.streams import Stream
from rtc.testing.client import CallClient
from rtc.testing.result import CallResult


class Player(CallClient):
    """Gives input when asked, and plays what it is sent: a mark goes back once the audio before it has been played."""

    def __init__(self, stream: Stream, alias: str, *, user: Any, inputs: Iterable[list[Any]]) -> None:
        super().__init__(stream, alias, user=user)
        self._inputs = iter(inputs)
        self._played_at = 0.0
        self._marks: list[tuple[asyncio.TimerHandle, Any]] = []
        self._answers: set[asyncio.Task[None]] = set()

    async def send_bytes(self, payload: bytes) -> None:
        await super().send_bytes(payload)
        duration_s = len(payload) / self.media_format.encoding.bytes_per_sample / self.media_format.sample_rate
        self._played_at = max(self._played_at, self.loop.time()) + duration_s

    async def send_text(self, text: str) -> None:
        await super().send_text(text)
        if not self.frames or self.close_code is not None:
            return
        message = self.frames[-1][1]
        if message.get("type") == "send_input":
            self.loop.call_soon(self._give_next_input)
        elif message.get("event") == "mark":
            timer = self.loop.call_at(self._played_at, self._answer, message)
            self._marks.append((timer, message))
        elif message.get("event") == "clear":
            self._drop()

    async def leave(self) -> None:
        for timer, _ in self._marks:
            timer.cancel()
        await super().leave()
        await asyncio.gather(*self._answers)

    def result(self, began: float) -> CallResult:
        pieces = [(time_s - began, decode_pcm16(payload)) for time_s, payload in self.payloads]
        messages = [(time_s - began, frame) for time_s, frame in self.frames if not isinstance(frame, bytes)]
        record = self.admission.records[0]
        return CallResult(
            audio=(
                self.media_format.sample_rate,
                np.concatenate([np.zeros(0, np.int16), *(samples for _, samples in pieces)]),
            ),
            pieces=pieces,
            outputs=[(time_s - began, value) for time_s, value in record.outputs],
            messages=messages,
            errors=[message["data"] for _, message in messages if message.get("type") == "error"],
            end_reason=record.end_reason,
            close_code=record.close_code,
        )

    def _give_next_input(self) -> None:
        values = next(self._inputs, None)
        if values is not None:
            self.give_input(*values)

    def _drop(self) -> None:
        self._played_at = self.loop.time()
        dropped, self._marks = self._marks, []
        for timer, message in dropped:
            if not timer.cancelled() and timer.when() > self.loop.time():
                timer.cancel()
                self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        answer = self.loop.create_task(self.say(**message))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
