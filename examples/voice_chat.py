"""A chat that replies when the user pauses: speech to text, a language model and text to speech over HTTP.

All three stand behind one API, OpenAI's or any that speaks like it. The answer is spoken sentence by sentence while the
model still writes. When the user interrupts, the generator is closed where it is, and both streams with it; later the
model is told only of the sentences that were heard.

    OPENAI_API_KEY   the key
    OPENAI_BASE_URL  https://api.openai.com/v1
"""

import io
import json
import os
import re
import wave
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import numpy as np

from rtc import AdditionalOutputs, AudioEmitType, Reply, ReplyOnPause, Stream, WebRTCError, get_current_reply

SPEECH_RATE = 24000  # Hz, of the service's "pcm"
CHUNK_BYTES = SPEECH_RATE // 5 * 2  # 200 ms
TIMEOUT_S = 30.0
PROMPT = "You are on the telephone. Answer in one or two short sentences, without lists."
SENTENCE = re.compile(r"(?<=[.!?])\s+")
CONTEXT_MESSAGES = 20


class VoiceChat(ReplyOnPause):
    """One session's: what was said so far, and the connection to the service."""

    def __init__(self) -> None:
        super().__init__(self.answer, input_sample_rate=16000)
        self._messages: list[dict[str, str]] = []
        self._said: list[str] = []  # sentences of the latest answer
        self._client = httpx.Client(
            base_url=os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1"),
            headers={"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"},
            timeout=TIMEOUT_S,
        )

    async def shutdown(self) -> None:
        await super().shutdown()
        self._client.close()

    def answer(self, audio: tuple[int, np.ndarray]) -> Iterator[AudioEmitType]:
        if not os.environ.get("OPENAI_API_KEY"):
            raise WebRTCError("This stream needs OPENAI_API_KEY in the server's environment.")
        heard = self._transcribed(audio)
        if not heard:
            return
        yield self._noted("user", heard)
        self._said = []
        for sentence in sentences(self._written()):
            for samples in self._spoken(sentence):
                yield SPEECH_RATE, samples
            self._said.append(sentence)
            get_current_reply().mark(str(len(self._said)))
        yield AdditionalOutputs({"role": "assistant", "content": " ".join(self._said)})

    def replied(self, reply: Reply) -> None:
        """The model is to remember what was heard of its answer, which may be less than it wrote."""
        heard = " ".join(self._said[: len(reply.heard_marks)])
        self._noted("assistant", heard or "…")

    def _noted(self, role: str, content: str) -> AdditionalOutputs:
        if self._messages and self._messages[-1]["role"] == role:
            self._messages.pop()  # the user has gone on, and was listened to anew from the beginning
        self._messages.append({"role": role, "content": content})
        del self._messages[:-CONTEXT_MESSAGES]
        return AdditionalOutputs(self._messages[-1])

    def _transcribed(self, audio: tuple[int, np.ndarray]) -> str:
        answer = self._client.post(
            "/audio/transcriptions",
            data={"model": "gpt-4o-mini-transcribe"},
            files={"file": ("speech.wav", wav_bytes(*audio), "audio/wav")},
        )
        return answer.raise_for_status().json()["text"].strip()

    def _written(self) -> Iterator[str]:
        """The model's answer, in pieces as it writes them."""
        request = {
            "model": "gpt-4o-mini",
            "stream": True,
            "messages": [{"role": "system", "content": PROMPT}, *self._messages],
        }
        with self._client.stream("POST", "/chat/completions", json=request) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                data = line.removeprefix("data: ")
                if data != line and data != "[DONE]":
                    yield from pieces_of(json.loads(data))

    def _spoken(self, sentence: str) -> Iterator[np.ndarray]:
        request = {"model": "gpt-4o-mini-tts", "voice": "coral", "input": sentence, "response_format": "pcm"}
        with self._client.stream("POST", "/audio/speech", json=request) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes(CHUNK_BYTES):
                yield np.frombuffer(chunk, "<i2")


def pieces_of(chunk: dict[str, Any]) -> Iterator[str]:
    for choice in chunk["choices"]:
        if text := choice["delta"].get("content"):
            yield text


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Whole sentences of a text that comes in pieces."""
    text = ""
    for piece in pieces:
        *whole, text = SENTENCE.split(text + piece)
        yield from whole
    if text.strip():
        yield text.strip()


def wav_bytes(rate: int, samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


stream = Stream(
    VoiceChat,
    concurrency_limit=10,
    time_limit=600,
    name="Voice chat",
    description="Listens until you pause, and answers in a sentence or two.",
)
