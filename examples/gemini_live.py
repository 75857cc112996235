"""A handler without `async` that asks for input: Google's Gemini Live API, in a voice that the caller chooses.

Each of its methods runs in a thread of the session's own, so it may block: on the form, on the socket, on the model.

    GEMINI_API_KEY   the key
    GEMINI_LIVE_URL  wss://generativelanguage.googleapis.com/ws/…BidiGenerateContent
    GEMINI_MODEL     models/gemini-2.0-flash-live-001
"""

import base64
import json
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django import forms
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from rtc import AdditionalOutputs, AudioEmitType, CloseStream, Stream, StreamHandler, WebRTCError

URL = (
    "wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService"
    ".BidiGenerateContent"
)
INPUT_RATE = 16000
OUTPUT_RATE = 24000
VOICES = ("Puck", "Charon", "Kore", "Fenrir", "Aoede")


class Voice(forms.Form):
    voice = forms.ChoiceField(choices=[(name, name) for name in VOICES], initial=VOICES[0])


class GeminiLive(StreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=INPUT_RATE, output_sample_rate=OUTPUT_RATE)
        self._connected = threading.Event()
        self._open = ExitStack()
        self._socket: Any = None
        self._emissions: deque[AudioEmitType] = deque()  # of one message of the model's, before the next is read

    def start_up(self) -> None:
        self.wait_for_args_sync()
        voice = self.latest_args[1]
        key = os.environ.get("GEMINI_API_KEY")
        if not key:
            raise WebRTCError("This stream needs GEMINI_API_KEY in the server's environment.")
        url = f"{os.environ.get('GEMINI_LIVE_URL', URL)}?{urlencode({'key': key})}"
        socket = self._open.enter_context(connect(url, max_size=None))
        socket.send(json.dumps({"setup": setup(voice)}))
        if "setupComplete" not in json.loads(socket.recv()):
            raise WebRTCError("The model does not want to talk.")
        self._socket = socket
        self._connected.set()

    def receive(self, frame: tuple[int, np.ndarray]) -> None:
        if self._socket is None:
            return  # said before a voice was chosen
        data = base64.b64encode(frame[1].astype("<i2").tobytes()).decode()
        audio = {"mimeType": f"audio/pcm;rate={INPUT_RATE}", "data": data}
        with suppress(ConnectionClosed):  # emit() says so
            self._socket.send(json.dumps({"realtimeInput": {"audio": audio}}))

    def emit(self) -> AudioEmitType:
        self._connected.wait()
        while not self._emissions:
            try:
                message = json.loads(self._socket.recv())
            except (ConnectionClosed, AttributeError):  # shutdown() wakes it without a socket
                return CloseStream("The model has hung up.")
            self._emissions.extend(self._take(message.get("serverContent", {})))
        return self._emissions.popleft()

    def shutdown(self) -> None:
        self._open.close()
        self._connected.set()

    def _take(self, content: dict[str, Any]) -> Iterator[AudioEmitType]:
        if content.get("interrupted"):
            self.clear_queue()
        for part in content.get("modelTurn", {}).get("parts", []):
            if audio := part.get("inlineData"):
                yield OUTPUT_RATE, np.frombuffer(base64.b64decode(audio["data"]), "<i2")
        for key, role in (("inputTranscription", "user"), ("outputTranscription", "assistant")):
            if text := content.get(key, {}).get("text"):
                yield AdditionalOutputs({"role": role, "content": text})


def setup(voice: str) -> dict[str, Any]:
    return {
        "model": os.environ.get("GEMINI_MODEL", "models/gemini-2.0-flash-live-001"),
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}},
        },
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
    }


stream = Stream(
    GeminiLive,
    input_form=Voice,
    concurrency_limit=10,
    time_limit=600,
    name="Live model",
    description="Talks to Google's live model, in a voice of your choice.",
)
