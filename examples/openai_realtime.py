"""A bridge to a speech-to-speech model behind a WebSocket: OpenAI's Realtime API.

The model listens, finds out whose turn it is, and speaks; this handler carries audio both ways, tells the page what was
said, and, when the user interrupts, tells the model how much of its answer was heard.

    OPENAI_API_KEY        the key
    OPENAI_REALTIME_URL   wss://api.openai.com/v1/realtime
    OPENAI_REALTIME_MODEL gpt-realtime
"""

import asyncio
import base64
import json
import os
from contextlib import AsyncExitStack, suppress
from typing import Any
from urllib.parse import urlencode

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rtc import AdditionalOutputs, AsyncStreamHandler, AudioEmitType, CloseStream, Stream, WebRTCError

SAMPLE_RATE = 24000
FORMAT = {"type": "audio/pcm", "rate": SAMPLE_RATE}
SESSION = {
    "type": "realtime",
    "instructions": "You are on the telephone. Answer in one or two short sentences.",
    "audio": {
        "input": {
            "format": FORMAT,
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "server_vad"},
        },
        "output": {"format": FORMAT, "voice": "marin"},
    },
}


class RealtimeBridge(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=SAMPLE_RATE, output_sample_rate=SAMPLE_RATE)
        self._open = AsyncExitStack()
        self._connected = asyncio.Event()
        self._socket: Any = None
        self._answer_id = ""
        self._answer_s = 0.0

    async def start_up(self) -> None:
        """What the caller says meanwhile is kept for `receive`."""
        query = urlencode({"model": os.environ.get("OPENAI_REALTIME_MODEL", "gpt-realtime")})
        url = f"{os.environ.get('OPENAI_REALTIME_URL', 'wss://api.openai.com/v1/realtime')}?{query}"
        headers = {"Authorization": f"Bearer {api_key()}"}
        self._socket = await self._open.enter_async_context(connect(url, additional_headers=headers, max_size=None))
        await self._send("session.update", session=SESSION)
        self._connected.set()

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        await self._connected.wait()
        audio = base64.b64encode(frame[1].astype("<i2").tobytes()).decode()
        with suppress(ConnectionClosed):  # emit() says so
            await self._send("input_audio_buffer.append", audio=audio)

    async def emit(self) -> AudioEmitType:
        await self._connected.wait()
        try:
            return await self._take(json.loads(await self._socket.recv()))
        except ConnectionClosed:
            return CloseStream("The model has hung up.")

    async def shutdown(self) -> None:
        await self._open.aclose()

    async def _take(self, event: dict[str, Any]) -> AudioEmitType:
        match event["type"]:
            case "response.output_audio.delta":
                return self._spoken(event["item_id"], base64.b64decode(event["delta"]))
            case "input_audio_buffer.speech_started":
                await self._interrupt()
            case "conversation.item.input_audio_transcription.completed":
                return AdditionalOutputs({"role": "user", "content": event["transcript"]})
            case "response.output_audio_transcript.done":
                return AdditionalOutputs({"role": "assistant", "content": event["transcript"]})
            case "error":
                raise WebRTCError(event["error"]["message"])
        return None

    def _spoken(self, item_id: str, audio: bytes) -> AudioEmitType:
        if item_id != self._answer_id:
            self._answer_id, self._answer_s = item_id, 0.0
        samples = np.frombuffer(audio, "<i2")
        self._answer_s += samples.size / SAMPLE_RATE
        return SAMPLE_RATE, samples

    async def _interrupt(self) -> None:
        """Fall silent, and have the model forget what was not heard."""
        unheard_s = self.session.unplayed_s()
        self.clear_queue()
        if not self._answer_id or unheard_s <= 0:
            return
        heard_ms = max(0, round((self._answer_s - unheard_s) * 1000))
        item = {"item_id": self._answer_id, "content_index": 0, "audio_end_ms": heard_ms}
        await self._send("conversation.item.truncate", **item)
        self._answer_id = ""

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))


def api_key() -> str:
    """Raises: WebRTCError, which the caller is told."""
    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        raise WebRTCError("This stream needs OPENAI_API_KEY in the server's environment.")
    return key


stream = Stream(
    RealtimeBridge,
    concurrency_limit=10,
    time_limit=600,
    name="Realtime model",
    description="Talks to OpenAI's realtime model.",
)
