"""One call to a stream of a running server."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtc.core.audio import decode_pcm16, encode_pcm16
from rtc.core.exceptions import RTCError
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.core.messages import Start, Stop, serialize
from rtc.remote.address import Address
from rtc.remote.heard import Heard
from rtc.remote.pages import PageRefused, post_input, read_outputs

FRAMES_PER_SECOND = 50
START_TIMEOUT_S = 30.0
OUTPUTS_TIMEOUT_S = 5.0
"""How long the last outputs may take after the call."""

Report = Callable[[str, Any], None]


class CallRefused(RTCError):
    """The server let no session start. Args: reason: a code, or empty. text: in words, or empty."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text

    def __str__(self) -> str:
        return f"the server refused the call: {self.text or self.reason or 'it closed the socket'}"


@dataclass
class RemoteCall:
    """Says something, and hears the answer.

    Args:
        address: of the stream.
        samples: what to say, int16 of shape (n,); silence follows it.
        sample_rate: of `samples`, and of what is heard, 8000 to 48000 Hz.
        seconds: when to hang up.
        inputs: what to answer each time that the handler asks for input.
        params: the client's own object.
        ticket: a connect ticket, or empty.
        report: called on the event loop with `("output", value)`, `("problem", text)`, `("note", text)` and
            `("progress", seconds)`.
    """

    address: Address
    samples: NDArray[np.int16]
    sample_rate: int
    seconds: float
    inputs: Iterable[Any] = ()
    params: dict[str, Any] = field(default_factory=dict)
    ticket: str = ""
    report: Report = lambda kind, value: None
    session_id: str = field(default_factory=lambda: secrets.token_hex(8), init=False)
    connected: bool = field(default=False, init=False)
    end_reason: str = field(default="", init=False)
    end_text: str = field(default="", init=False)
    heard: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.heard = Heard(self.sample_rate)
        self._unsaid = iter(self.inputs)
        self._began_s = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Returns when the call is over.

        Raises:
            CallRefused: with the reason.
            OSError, TimeoutError: the server can't be reached; or, once `connected`, it says nothing.
            websockets.exceptions.WebSocketException: there is no WebSocket at that address.
        """
        async with connect(self.address.socket, compression=None, max_size=None) as socket:
            self.connected = True
            with suppress(ConnectionClosed):  # what it said before is read below
                await socket.send(serialize(self._start()))
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._until_started(socket)
            outputs = asyncio.create_task(self._read_outputs())
            listening = asyncio.create_task(self._listen(socket))
            try:
                await self._speak(socket, listening)
            finally:
                await socket.close()
                await listening
        await asyncio.wait([outputs, *self._tasks], timeout=OUTPUTS_TIMEOUT_S)

    def _start(self) -> Start:
        media_format = MediaFormat(encoding=Encoding.PCM_S16LE, sample_rate=self.sample_rate, framing=Framing.BINARY)
        return Start(session_id=self.session_id, media_format=media_format, params=self.params, ticket=self.ticket)

    async def _until_started(self, socket: ClientConnection) -> None:
        errors = []  # a refusal says them again
        try:
            async for frame in socket:
                message = json.loads(frame)
                if message.get("event") == "started":
                    self._began_s = time.monotonic()
                    return
                if message.get("type") == "error":
                    errors.append(message)
                else:
                    self._take_message(socket, message)
        except ConnectionClosed:
            pass
        finally:
            for message in errors:
                if message["data"] != self.end_text:
                    self._take_message(socket, message)
        raise CallRefused(self.end_reason, self.end_text)

    async def _speak(self, socket: ClientConnection, listening: asyncio.Task[None]) -> None:
        frame_samples = self.sample_rate // FRAMES_PER_SECOND
        sent = 0
        try:
            while not listening.done() and sent < self.seconds * self.sample_rate:
                await asyncio.wait([listening], timeout=max(0.0, sent / self.sample_rate - self._now_s()))
                frame = self.samples[sent : sent + frame_samples]
                await socket.send(encode_pcm16(np.pad(frame, (0, frame_samples - frame.size))))
                sent += frame_samples
                self.report("progress", sent / self.sample_rate)
            await socket.send(serialize(Stop()))
        except ConnectionClosed:
            pass  # the server hung up first; it has said why

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                if isinstance(frame, bytes):
                    self.heard.add(decode_pcm16(frame), self._now_s())
                else:
                    self._take_message(socket, json.loads(frame))
        except ConnectionClosed:
            pass

    def _take_message(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        match message:
            case {"type": "end", "data": {"reason": reason, **more}}:
                self.end_reason, self.end_text = str(reason), str(more.get("message", ""))
            case {"status": "failed", "meta": {"error": reason}}:
                self.end_reason = str(reason)
            case {"type": "error" | "warning", "data": text}:
                self.report("problem", text)
            case {"type": "send_input"}:
                self._own(self._give_input())
            case {"event": "clear"}:
                self.heard.clear(self._now_s())
            case {"event": "mark"}:
                self._own(self._answer_mark(socket, message))

    async def _give_input(self) -> None:
        missing = object()
        inputs = next(self._unsaid, missing)
        if inputs is missing:
            self.report("note", "The stream asks for more input than there is.")
            return
        try:
            url = self.address.page("input_hook", ticket=self.ticket)
            await asyncio.to_thread(post_input, url, self.session_id, inputs)
        except (PageRefused, OSError) as error:
            self.report("problem", f"The input was not taken: {error}")

    async def _answer_mark(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        await asyncio.sleep(max(0.0, self.heard.end_s - self._now_s()))
        with suppress(ConnectionClosed):
            await socket.send(json.dumps(message))

    async def _read_outputs(self) -> None:
        loop = asyncio.get_running_loop()

        def take(value: Any) -> None:
            loop.call_soon_threadsafe(self.report, "output", value)

        url = self.address.page("outputs", webrtc_id=self.session_id, ticket=self.ticket)
        try:
            await asyncio.to_thread(read_outputs, url, take)
        except (PageRefused, OSError) as error:
            self.report("problem", f"The outputs can't be read: {error}")

    def _own(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s
