"""The assistant on our own page, in a real browser: spoken to, and listened to."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr
from playwright.sync_api import Browser, expect

from rtc import get_stt_model, get_tts_model
from tests.browser.calling import RECORD, connect
from tests.browser.recording import COMPARED_RATE, Recording
from tests.browser.speech import SAMPLE_RATE, write_wav
from tests.live.databases import rows_of

pytestmark = pytest.mark.live

BEFORE_S, AFTER_S = 3.0, 30.0  # the microphone hears the file over and over, from before the call has started
SAID = "Take a note, the meeting is in the library."
NOTE = "the meeting is in the library"
ANSWER_S = 4.0
ANSWER_TIMEOUT_MS = 20_000


@pytest.fixture(scope="module")
def browser(launch, tmp_path_factory) -> Iterator[Browser]:
    path = tmp_path_factory.mktemp("assistant") / "said.wav"
    write_said(path)
    browser = launch(path)
    yield browser
    browser.close()


def write_said(path: Path) -> None:
    rate, spoken = get_tts_model().tts(SAID)
    samples = np.pad(
        soxr.resample(spoken, rate, SAMPLE_RATE), (round(BEFORE_S * SAMPLE_RATE), round(AFTER_S * SAMPLE_RATE))
    )
    noise = np.random.default_rng(seed=7).standard_normal(samples.size) * 10 ** (-60 / 20)
    write_wav(path, ((samples * 0.7 + noise) * 32767).astype(np.int16))


def words(text: str) -> re.Pattern[str]:
    """A text that has these words, whatever its case and punctuation."""
    return re.compile(r"[\s.,:]+".join(text.split()) + r"\.?", re.IGNORECASE)


def stored_notes(database: Path) -> list[str]:
    return [row["text"] for row in rows_of(database, "SELECT text FROM assistant_note ORDER BY id")]


def test_a_spoken_note_is_shown_answered_aloud_and_stored(open_page, server):
    page = open_page("/assistant/")
    connect(page)
    said, answered = (
        page.locator(f"[data-part=conversation] [data-role={role}] .rtc-message-text") for role in ("user", "assistant")
    )
    expect(answered.first).to_contain_text("Hello!")
    page.evaluate(RECORD)
    expect(said).to_have_text([words(f"take a note {NOTE}")], timeout=ANSWER_TIMEOUT_MS)
    expect(answered.last).to_have_text(words(f"i have noted {NOTE}"))
    from_s = page.evaluate("window.played.result().start_s + window.played.seconds")
    page.evaluate(f"window.played.until(window.played.seconds + {ANSWER_S}, 10)")
    played = Recording.from_page(page.evaluate("window.played.result()"))
    heard = played.between(from_s, played.end_s).astype(np.float32)
    assert words(NOTE).search(get_stt_model().stt((COMPARED_RATE, heard)))
    (stored,) = stored_notes(server.database)
    assert words(NOTE).fullmatch(stored)
    assert page.problems == []
