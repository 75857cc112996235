"""The assistant's voice: speech to text, the dialogue, text to speech."""

from collections.abc import Iterator
from typing import Any

from django.db import close_old_connections
from django.utils import timezone

from fastrtc_project.assistant.dialogue import GREETING, Dialogue
from fastrtc_project.assistant.models import Notebook, owner_of
from rtc import AdditionalOutputs, AudioEmitType, CloseStream, get_current_context, get_stt_model, get_tts_model


class Conversation:
    """One call. Its methods block, and run in the call's own thread."""

    def __init__(self) -> None:
        self._dialogue: Dialogue | None = None

    def greet(self) -> Iterator[AudioEmitType]:
        yield from self._say(GREETING)
        get_stt_model()  # loads while the greeting is heard

    def reply(self, audio: tuple[int, Any]) -> Iterator[AudioEmitType]:
        heard = get_stt_model().stt(audio)
        if not heard:
            return
        yield AdditionalOutputs({"role": "user", "content": heard})
        try:
            answer = self._for_this_call().answer(heard)
        finally:
            close_old_connections()
        yield from self._say(answer.text)
        if answer.hangs_up:
            yield CloseStream("goodbye")

    def _say(self, text: str) -> Iterator[AudioEmitType]:
        yield AdditionalOutputs({"role": "assistant", "content": text})
        yield from get_tts_model().stream_tts_sync(text)

    def _for_this_call(self) -> Dialogue:
        if self._dialogue is None:
            owner = owner_of(get_current_context().webrtc_id)
            self._dialogue = Dialogue(Notebook(owner), timezone.localtime)
        return self._dialogue
