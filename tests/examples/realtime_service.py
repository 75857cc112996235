"""Stand-ins for two speech-to-speech services, as far as their published protocols say what the examples rely on.

Each waits for half a second of sound, and answers with two seconds of a tone and two texts.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.live.tones import sine

KEY = "a key for the stand-in"
ANSWER_RATE = 24000
ANSWER_HZ = 440.0
ANSWER_S = 2.0
PIECES = 4
TURN_S = 0.5
SILENCE = 200  # of 32767
HEARD = "Where is my lamp?"
SAID = "It came on Tuesday."


@dataclass
class Service:
    """Args: messages: all that clients sent, but audio. samples: the audio they sent, int16."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    samples: list[np.ndarray] = field(default_factory=list)
    url: str = ""

    @property
    def heard(self) -> np.ndarray:
        return np.concatenate(self.samples)

    def take_audio(self, data: str) -> None:
        self.samples.append(np.frombuffer(base64.b64decode(data), "<i2"))

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message.get("type") == kind]


def answer_pieces() -> Iterator[str]:
    samples = sine(ANSWER_HZ, ANSWER_S, ANSWER_RATE)
    for piece in np.array_split(samples, PIECES):
        yield base64.b64encode(piece.astype("<i2").tobytes()).decode()


class OpenAIRealtime(Service):
    """https://platform.openai.com/docs/api-reference/realtime"""

    def authorized(self, request: Any) -> bool:
        return request.headers.get("Authorization") == f"Bearer {KEY}" and "model=" in request.path

    def talk(self, socket: ServerConnection) -> None:
        send = lambda kind, **fields: socket.send(json.dumps({"type": kind, **fields}))  # noqa: E731
        send("session.created", session={})
        turn_samples, answered, noticed = 0, False, False
        for text in socket:
            message = json.loads(text)
            if message["type"] != "input_audio_buffer.append":
                self.messages.append(message)
                continue
            self.take_audio(message["audio"])
            if np.abs(self.samples[-1]).max() > SILENCE:
                turn_samples += self.samples[-1].size
            if not answered and turn_samples > TURN_S * ANSWER_RATE:
                answered, turn_samples = True, 0
                send("conversation.item.input_audio_transcription.completed", item_id="u1", transcript=HEARD)
                for piece in answer_pieces():
                    send("response.output_audio.delta", item_id="a1", content_index=0, delta=piece)
                send("response.output_audio_transcript.done", item_id="a1", transcript=SAID)
            elif answered and not noticed and turn_samples > TURN_S * ANSWER_RATE:
                noticed = True
                send("input_audio_buffer.speech_started", item_id="u2")


class GeminiLive(Service):
    """https://ai.google.dev/api/live"""

    def authorized(self, request: Any) -> bool:
        return parse_qs(urlsplit(request.path).query).get("key") == [KEY]

    def talk(self, socket: ServerConnection) -> None:
        answered = False
        for text in socket:
            message = json.loads(text)
            if "setup" in message:
                self.messages.append(message["setup"])
                socket.send(json.dumps({"setupComplete": {}}).encode())
                continue
            audio = message["realtimeInput"]["audio"]
            assert audio["mimeType"] == "audio/pcm;rate=16000"
            self.take_audio(audio["data"])
            if not answered and self.heard.size > TURN_S * 16000:
                answered = True
                self._answer(socket)

    @staticmethod
    def _answer(socket: ServerConnection) -> None:
        contents = [
            {"inputTranscription": {"text": HEARD}},
            *({"modelTurn": {"parts": [{"inlineData": {"data": piece}}]}} for piece in answer_pieces()),
            {"outputTranscription": {"text": SAID}, "turnComplete": True},
        ]
        for content in contents:
            socket.send(json.dumps({"serverContent": content}).encode())  # in binary frames, as the service does


@contextmanager
def running(service: OpenAIRealtime | GeminiLive) -> Iterator[OpenAIRealtime | GeminiLive]:
    def check(connection: ServerConnection, request: Any) -> Any:
        return None if service.authorized(request) else connection.respond(HTTPStatus.UNAUTHORIZED, "no such key\n")

    def talk(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            service.talk(socket)

    with serve(talk, "127.0.0.1", 0, process_request=check) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        service.url = f"ws://127.0.0.1:{port_of(server)}/"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def port_of(server: Server) -> int:
    return server.socket.getsockname()[1]
