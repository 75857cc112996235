"""A stand-in for OpenAI's HTTP API, as far as its published reference says what the example relies on."""

import io
import json
import re
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.live.tones import sine

KEY = "a key for the stand-in"
HEARD = "Where is my lamp?"
WRITTEN = ["It came", " on Tuesday.", " Is it", " green?"]
SPEECH_RATE = 24000
SPEECH_HZ = 440.0
SPEECH_S = 0.8


@dataclass
class HTTPService:
    """`transcribed` holds seconds of audio, `asked` the messages, `spoken` the texts, of each request."""

    transcribed: list[float] = field(default_factory=list)
    asked: list[list[dict[str, str]]] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    url: str = ""


class Answers(BaseHTTPRequestHandler):
    """https://platform.openai.com/docs/api-reference"""

    service: HTTPService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(401, "application/json", b"{}")
        elif self.path == "/v1/audio/transcriptions":
            self._transcribe(body)
        elif self.path == "/v1/chat/completions":
            self._write(json.loads(body))
        elif self.path == "/v1/audio/speech":
            self._speak(json.loads(body))
        else:
            self._answer(404, "application/json", b"{}")

    def _transcribe(self, body: bytes) -> None:
        recording = body[body.index(b"RIFF") :]
        assert re.search(rb'name="model"\r\n\r\n[\w-]+', body)
        with wave.open(io.BytesIO(recording), "rb") as file:
            self.service.transcribed.append(file.getnframes() / file.getframerate())
        self._answer(200, "application/json", json.dumps({"text": HEARD}).encode())

    def _write(self, request: dict[str, Any]) -> None:
        assert request["stream"] is True
        self.service.asked.append(request["messages"])
        chunks = [{"choices": [{"delta": {"content": text}}]} for text in WRITTEN]
        lines = [json.dumps(chunk) for chunk in [{"choices": [{"delta": {"role": "assistant"}}]}, *chunks]]
        events = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
        self._answer(200, "text/event-stream", events.encode())

    def _speak(self, request: dict[str, Any]) -> None:
        assert request["response_format"] == "pcm"
        self.service.spoken.append(request["input"])
        self._answer(200, "audio/pcm", sine(SPEECH_HZ, SPEECH_S, SPEECH_RATE).astype("<i2").tobytes())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the user interrupted

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def running_http() -> Iterator[HTTPService]:
    service = HTTPService()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Answers,), {"service": service}))
    thread = Thread(target=server.serve_forever)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
