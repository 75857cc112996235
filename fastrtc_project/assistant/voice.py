"""The assistant's voice: speech to text, the dialogue, text to speech."""

from collections.abc import Iterator

import numpy as np
from django.db import close_old_connections
from django.utils import timezone
from numpy.typing import NDArray

from fastrtc_project.assistant.dialogue import GREETING, Answer, Dialogue
from fastrtc_project.assistant.models import Notebook, owner_of
from rtc import AdditionalOutputs, AudioEmitType, CloseStream, get_current_context, get_stt_model, get_tts_model


class Conversation:
    """One call. Its methods block, and run in the call's own thread."""

    def __init__(self) -> None:
        self._dialogue: Dialogue | None = None
        self._last_turn: NDArray[np.int16] | None = None

    def greet(self) -> Iterator[AudioEmitType]:
        yield from self._say(GREETING)
        get_stt_model()  # loads while the greeting is heard

    def reply(self, audio: tuple[int, NDArray[np.int16]]) -> Iterator[AudioEmitType]:
        heard = get_stt_model().stt(audio)
        if not heard:
            return
        yield AdditionalOutputs({"role": "user", "content": heard})
        try:
            answer = self._answer(heard, audio[1])
        finally:
            close_old_connections()  # of this thread, which is the reply's alone
        yield from self._say(answer.text)
        if answer.hangs_up:
            yield CloseStream("goodbye")

    def _answer(self, heard: str, turn: NDArray[np.int16]) -> Answer:
        if self._dialogue is None:
            owner = owner_of(get_current_context().webrtc_id)
            self._dialogue = Dialogue(Notebook(owner), timezone.localtime)
        if _goes_on(self._last_turn, turn):
            self._dialogue.take_back()
        self._last_turn = turn
        return self._dialogue.answer(heard)

    def _say(self, text: str) -> Iterator[AudioEmitType]:
        yield AdditionalOutputs({"role": "assistant", "content": text})
        yield from get_tts_model().stream_tts_sync(text)


def _goes_on(before: NDArray[np.int16] | None, turn: NDArray[np.int16]) -> bool:
    """Whether the caller had not finished: a turn that is gone on with comes again from its beginning."""
    return before is not None and np.array_equal(turn[:, : before.shape[1]], before)
