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
ANEW_S = 0.1  # so soon after a break a page plays nothing yet
MOST_ANEW = 3
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
    """For each interruption of audio that is to be heard, `count` or more: from when the last of it came to where what
    is played is silent, in s.

    Raises:
        ValueError: it is not heard.
    """
    for clears in range(count, count + MOST_ANEW + 1):
        interrupted = list(heard_interrupted(wait_for_clears(page, clears)))
        if len(interrupted) >= count:
            break
    page.evaluate(f"{recorder}.until({recorder}.seconds + {AFTERWARDS_S}, 10)")
    played = Recording.from_page(page.evaluate(f"{recorder}.result()"))
    logger.info("the device plays %.3f s after what is recorded", device_latency_s(page, recorder))
    found = []
    for last_s, clear_s in interrupted:
        logger.info("last audio at %.3f s, `clear` %.3f s later", last_s, clear_s - last_s)
        found.append(falls_silent_s(played, last_s) - last_s)
        logger.info("silence %.3f s later", found[-1])
    return found


def heard_interrupted(arrivals: list[dict[str, Any]]) -> Iterator[tuple[float, float]]:
    """When the last audio before each `clear` came, and that: where audio had come anew by then for long enough, after
    a break that a page can't bridge.
    """
    anew_s = arrivals[0]["at"]
    for before, after in pairwise(arrivals):
        if after["event"] != "clear":
            if after["at"] - before["at"] > conf.RTC_SEND_LEAD_MS / 1000:
                anew_s = after["at"]
        elif before["at"] - anew_s > ANEW_S:
            yield before["at"], after["at"]


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
