"""How soon a page falls silent when its user speaks into a reply, on the clock of what is played."""

import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rtc.conf import conf
from tests.browser.calling import RECORD, connect, state
from tests.browser.recording import Recording, falls_silent_s
from tests.browser.speech import write_wav
from tests.browser.waiting import wait_until
from tests.voices import QUESTION, conversation

logger = logging.getLogger(__name__)

pytestmark = [pytest.mark.live, pytest.mark.first]

BEFORE_S, AFTER_S = 1.0, 1.6  # the microphone hears the file over and over: each question interrupts the reply before
OURS_S = 0.1
FRAME_S = 0.02  # of the server's pacing
AFTERWARDS_S = 0.5
MOST_UNHEARD = 3
counts = pytest.mark.parametrize("count", [1, pytest.param(8, marks=pytest.mark.long)])

NOTE_ARRIVALS = """() => {
    const { sound } = document.querySelector("[data-rtc-client]").rtcClient;
    window.arrivals = [];
    const note = (event, act) => (...args) => {
        window.arrivals.push({ event, at: performance.now() / 1000 });
        act.apply(sound, args);
    };
    sound.play = note("media", sound.play);
    sound.clear = note("clear", sound.clear);
}"""


@pytest.fixture(scope="module")
def browser(launch, tmp_path_factory) -> Iterator[Browser]:
    path = tmp_path_factory.mktemp("barge-in") / "said.wav"
    write_wav(path, conversation(BEFORE_S, QUESTION, AFTER_S)[0])
    browser = launch(path)
    yield browser
    browser.close()


@counts
def test_our_page_is_silent_soon_after_the_last_audio(open_page, count):
    page = open_page("/talkative/")
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.evaluate(NOTE_ARRIVALS)
    page.evaluate(RECORD)
    after_s = silent_after_s(page, "window.played", count)
    assert len(after_s) >= count
    assert max(after_s) + device_latency_s(page, "window.played") <= OURS_S
    assert page.problems == []


@counts
def test_a_published_client_is_silent_within_the_send_lead(open_page, count):
    page = open_page("/static/browser/sample_client.html?rate=48000&path=/talkative/websocket/offer")
    page.click("#connect")
    after_s = silent_after_s(page, "window.call.played", count)
    assert len(after_s) >= count
    assert max(after_s) <= conf.RTC_SEND_LEAD_MS / 1000 + FRAME_S
    assert page.problems == []


def silent_after_s(page: Page, recorder: str, count: int) -> list[float]:
    """For each interruption of a reply that was heard, `count` or more: from when its last audio came to where what is
    played is silent, in s.

    A page that had just run dry was silent before, which says nothing: a further interruption is waited for.
    """
    found: list[float] = []
    for clears in range(count, count + MOST_UNHEARD + 1):
        arrivals = wait_for_clears(page, clears)
        page.evaluate(f"{recorder}.until({recorder}.seconds + {AFTERWARDS_S}, 10)")
        played = Recording.from_page(page.evaluate(f"{recorder}.result()"))
        last_audio = [before["at"] for before, after in pairwise(arrivals) if after["event"] == "clear"]
        found = [falls_silent_s(played, at_s) - at_s for at_s in last_audio if played.is_heard(at_s)]
        if len(found) >= count:
            break
    logger.info(
        "silent %s s after the last audio, and the device plays %.3f s after that",
        found,
        device_latency_s(page, recorder),
    )
    return found


def wait_for_clears(page: Page, count: int) -> list[dict[str, Any]]:
    """All that had come when there were so many."""
    clears = "window.arrivals.filter(({ event }) => event === 'clear')"
    for number in range(1, count + 1):
        wait_until(page, f"{clears}.length >= {number}")
    arrivals: list[dict[str, Any]] = page.evaluate("window.arrivals")
    return arrivals


def device_latency_s(page: Page, recorder: str) -> float:
    """From where playback is recorded to the speaker."""
    latency_s: float = page.evaluate(f"{recorder}.context.outputLatency")
    return latency_s
