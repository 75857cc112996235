"""A client that holds one end of a call in memory."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from rtc.calls import Call
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.core.messages import Media, serialize
from rtc.handshake import Handshake
from rtc.ports import Admission
from rtc.streams import Stream
from rtc.testing.clock import until
from rtc.testing.memory import MemoryAdmission

UNDECLARED = MediaFormat(encoding=Encoding.MULAW, sample_rate=24000, framing=Framing.JSON)
"""How a client that declares nothing is sent audio, unless the handler's `output_sample_rate` says otherwise."""


class CallClient:
    """Says what it is told to, answers nothing by itself, and notes what it is sent. Make it on the event loop.

    `frames` holds `(time_s, frame)`: the loop's time, and a JSON object or, with binary framing, bytes.

    Args:
        admission: who decides whether the session may start, and keeps its record; by default everyone may.
        calls: where the call puts itself in while it is live, by its record's primary key.
    """

    def __init__(
        self,
        stream: Stream,
        alias: str = "default",
        *,
        user: Any = None,
        admission: Admission | None = None,
        calls: dict[int, Call] | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.admission: Any = MemoryAdmission(user) if admission is None else admission
        self.media_format = UNDECLARED
        self.frames: list[tuple[float, Any]] = []
        self.close_code: int | None = None
        self.closes = 0
        self.call = Call(self, stream, alias, self.admission, {} if calls is None else calls)

    handshake: Handshake | None = None
    """What a handler sees as its session's `handshake`."""

    # What the call uses -----------------------------------------------------------------------------------------

    async def send_text(self, text: str) -> None:
        if self.close_code is None:
            self.frames.append((self.loop.time(), json.loads(text)))

    async def send_bytes(self, payload: bytes) -> None:
        if self.close_code is None:
            self.frames.append((self.loop.time(), payload))

    async def close_socket(self, close_code: int) -> None:
        self.close_code = close_code
        self.closes += 1

    # What a test uses -------------------------------------------------------------------------------------------

    async def start(self, session_id: str = "test", **fields: Any) -> None:
        """`fields` go into the message as they are: `media_format`, `params`."""
        if fields.get("media_format") is not None:
            self.media_format = MediaFormat.from_wire(fields["media_format"])
        await self.say(event="start", websocket_id=session_id, **fields)

    async def say(self, **message: Any) -> None:
        await self.call.receive(json.dumps(message), None)

    async def send(self, payload: bytes) -> None:
        """Send encoded audio, in the framing that was declared."""
        if self.media_format.framing is Framing.BINARY:
            await self.call.receive(None, payload)
        else:
            await self.call.receive(serialize(Media(payload)), None)

    def give_input(self, *values: Any) -> bool:
        """What `/input_hook` does; False when the session takes none now."""
        return self.call.take_input(list(values))

    async def stop(self) -> None:
        await self.say(event="stop")

    async def leave(self) -> None:
        """Be gone, without a word; returns once nothing of the call is left running."""
        await self.call.leave()

    async def until(self, condition: "Callable[[Any], Any]", timeout_s: float = 5.0) -> None:
        """Wait until `condition(client)` is true. Raises: TimeoutError."""
        await until(lambda: condition(self), timeout_s)

    async def until_closed(self, timeout_s: float = 5.0) -> int | None:
        """The close code; returns once nothing of the call is left running. Raises: TimeoutError."""
        await until(lambda: self.close_code is not None, timeout_s)
        async with asyncio.timeout(timeout_s):
            await self.call.leave()
        return self.close_code

    @property
    def payloads(self) -> list[tuple[float, bytes]]:
        """The encoded audio that came, and when."""
        return [(time_s, payload) for time_s, frame in self.frames if (payload := payload_of(frame)) is not None]


def payload_of(frame: Any) -> bytes | None:
    """The audio of one frame, or None."""
    if isinstance(frame, bytes):
        return frame
    if frame.get("event") != "media":
        return None
    return base64.b64decode(frame["media"]["payload"])
