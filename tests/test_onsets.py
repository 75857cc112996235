"""When a reply is interrupted, in rooms of any loudness: whole calls in virtual time."""

import pytest

from rtc import ReplyOnPause, Stream
from rtc.testing import run_call
from tests.test_replies import answering, clears
from tests.voices import QUESTION, RATE, conversation

INTERRUPTIONS = "No, wait, I meant something else.", "Please tell me about the other one.", "Stop it now."
rooms = pytest.mark.parametrize("noise_dbfs", [-60.0, -40.0, -28.0])


def call(*parts, noise_dbfs):
    audio, spans = conversation(*parts, noise_dbfs=noise_dbfs)
    _, fn = answering(60.0)
    return run_call(Stream(ReplyOnPause(fn)), (RATE, audio), seconds=audio.size / RATE), spans


@rooms
@pytest.mark.parametrize("text", INTERRUPTIONS)
def test_speech_interrupts_within_a_tenth_of_a_second_of_a_fifth(text, noise_dbfs):
    result, [_, (begin, _)] = call(0.5, QUESTION, 2.0, text, 0.5, noise_dbfs=noise_dbfs)
    assert begin + 0.15 < clears(result)[0] < begin + 0.2 + 0.1


@rooms
def test_noise_alone_interrupts_nothing(noise_dbfs):
    result, _ = call(0.5, QUESTION, 10.0, noise_dbfs=noise_dbfs)
    assert result.pieces and not clears(result)
