import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

T = TypeVar("T")
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Arrival(Generic[T]):
    time_s: float  # time.monotonic()
    value: T


class VoiceClient:
    """What a script sees of a call: every message and every piece of audio, with its time of arrival.

    `messages` holds decoded JSON objects, all but media; `audio` holds encoded payloads.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[Arrival[dict[str, Any]]] = []
        self.audio: list[Arrival[bytes]] = []
        self.closed = False
        self._binary = False
        self._changed = asyncio.Condition()

    async def start(self, session_id: str = "test-session", **fields: Any) -> None:
        """`fields` go into the message as they are: media_format, params."""
        self._binary = fields.get("media_format", {}).get("framing") == "binary"
        await self.send({"event": "start", "websocket_id": session_id, **fields})

    async def stop(self) -> None:
        await self.send({"event": "stop"})

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(message))

    async def send_payload(self, payload: bytes) -> None:
        if self._binary:
            await self.socket.send(payload)
        else:
            await self.send({"event": "media", "media": {"payload": base64.b64encode(payload).decode()}})

    async def send_audio(self, audio: bytes, frame_bytes: int, frame_s: float = 0.0) -> None:
        """Sends `audio` in pieces of `frame_bytes`, one every `frame_s` seconds; 0.0: as fast as it goes."""
        began = time.monotonic()
        for index, start in enumerate(range(0, len(audio), frame_bytes)):
            if frame_s:
                await asyncio.sleep(began + index * frame_s - time.monotonic())
            await self.send_payload(audio[start : start + frame_bytes])

    async def wait_until(self, condition: Callable[[], T], timeout_s: float = TIMEOUT_S) -> T:
        """Returns the first true value of `condition`, asked after each arrival and when the socket closes.

        Raises:
            TimeoutError: after `timeout_s`.
        """
        async with asyncio.timeout(timeout_s), self._changed:
            return await self._changed.wait_for(condition)

    async def wait_for_message(self, timeout_s: float = TIMEOUT_S, **fields: Any) -> dict[str, Any]:
        """Returns the first message, also one that came before, that has all of `fields`."""

        def find() -> dict[str, Any] | None:
            return next((a.value for a in self.messages if fields.items() <= a.value.items()), None)

        found = await self.wait_until(find, timeout_s)
        assert found is not None  # wait_until() returns true values alone
        return found

    async def wait_for_audio(self, byte_count: int, timeout_s: float = TIMEOUT_S) -> bytes:
        """Returns all audio once there are at least `byte_count` bytes of it."""
        await self.wait_until(lambda: sum(len(a.value) for a in self.audio) >= byte_count, timeout_s)
        return self.received_audio()

    async def wait_closed(self, timeout_s: float = TIMEOUT_S) -> int | None:
        """Returns the close code."""
        await self.wait_until(lambda: self.closed, timeout_s)
        return self.socket.close_code

    def received_audio(self) -> bytes:
        return b"".join(arrival.value for arrival in self.audio)

    async def read(self) -> None:
        try:
            async for frame in self.socket:
                await self._take(frame, time.monotonic())
        except ConnectionClosed:
            pass
        self.closed = True
        async with self._changed:
            self._changed.notify_all()

    async def _take(self, frame: str | bytes, now: float) -> None:
        if isinstance(frame, bytes):
            self.audio.append(Arrival(now, frame))
        else:
            message = json.loads(frame)
            if message.get("event") == "media":
                self.audio.append(Arrival(now, base64.b64decode(message["media"]["payload"])))
            else:
                self.messages.append(Arrival(now, message))
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def open_client(url: str, **options: Any) -> AsyncIterator[VoiceClient]:
    """`options` are those of websockets' connect(): additional_headers, origin, …"""
    async with connect(url, compression=None, max_size=None, proxy=None, **options) as socket:
        client = VoiceClient(socket)
        reader = asyncio.create_task(client.read())
        try:
            yield client
        finally:
            await socket.close()
            await reader
