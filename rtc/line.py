"""What a handler's runner says to its client and to the session's record, on one socket."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from rtc.core.events import Event
from rtc.core.formats import Framing, MediaFormat
from rtc.core.messages import Clear, FetchOutput, Mark, serialize, serialize_media
from rtc.emission import AdditionalOutputs
from rtc.fairness import OneAtATime
from rtc.ports import Record, Socket
from rtc.tasks import Tasks

MAX_MESSAGE_BYTES = 1 << 20
"""The longest text frame that Daphne's WebSocket library sends: for one that is longer it raises, and the connection is
of no more use."""

_announcements = OneAtATime()


class SocketLine:
    """The `rtc.runner.Line` of a call.

    Args:
        media_format: what the client declared, or None.
        report: tells the session what happened.
    """

    def __init__(
        self,
        socket: Socket,
        record: Record,
        media_format: MediaFormat | None,
        report: Callable[[Event], Coroutine[Any, Any, None]],
        tasks: Tasks,
    ) -> None:
        self._socket = socket
        self._record = record
        self._declared = media_format is not None
        self._tasks = tasks
        self.report = report
        self.failed = record.failed
        self._untold = 0
        self._telling: asyncio.Task[None] | None = None
        self.sample_rate = None if media_format is None else media_format.sample_rate
        binary = media_format is not None and media_format.framing is Framing.BINARY
        self.send_audio: Callable[[bytes], Awaitable[None]] = socket.send_bytes if binary else self._send_media

    def _send_media(self, payload: bytes) -> Awaitable[None]:
        return self._socket.send_text(serialize_media(payload))

    async def send_control(self, message: Mark | Clear) -> None:
        if isinstance(message, Clear) or self._declared:
            await self._socket.send_text(serialize(message))

    async def send_message(self, text: str) -> None:
        """A text frame of the handler's own. Raises: ValueError, when it is longer than servers send."""
        if len(text.encode(errors="surrogatepass")) > MAX_MESSAGE_BYTES:
            raise ValueError(f"a message holds at most {MAX_MESSAGE_BYTES} bytes")
        await self._socket.send_text(text)

    async def send_outputs(self, outputs: AdditionalOutputs) -> None:
        """Raises: TypeError, ValueError, when they can't be written as JSON."""
        await self._record.output(outputs.args, self._announce_outputs, payload=outputs.payload)

    def turn_finished(self, turn: dict[str, Any]) -> None:
        self._record.turn(turn)

    def rate_measured(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate

    async def flush(self) -> None:
        await self._record.flush()
        if self._telling is not None:
            await asyncio.wait([self._telling])

    def _announce_outputs(self, count: int) -> None:
        self._untold += count
        if self._telling is None:
            self._telling = self._tasks.start(self._tell())

    async def _tell(self) -> None:
        text = serialize(FetchOutput())
        while self._untold:
            self._untold -= 1
            await _announcements.next()
            await self._socket.send_text(text)
        self._telling = None
