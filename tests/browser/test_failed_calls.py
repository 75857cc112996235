"""Calls that can't be made: each ends with a reason, and lets the microphone go."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import connect, reason, state
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

CLIENT = "document.querySelector('[data-rtc-client]').rtcClient"
KEEP_TRACKS = """() => {
    const media = navigator.mediaDevices;
    const ask = media.getUserMedia.bind(media);
    window.tracks = [];
    media.getUserMedia = async (constraints) => {
        const stream = await ask(constraints);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
}"""
LET_GO = "window.tracks.length > 0 && window.tracks.every(({ readyState }) => readyState === 'ended')"


def expect_failure(page: Page, text: str) -> None:
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_have_text(text)
    expect(page.get_by_role("button", name="Connect again")).to_be_enabled()
    wait_until(page, LET_GO)


def test_an_address_that_the_browser_refuses_is_explained(open_page):
    page = open_page("/default/")
    page.evaluate(KEEP_TRACKS)
    page.evaluate(f"{CLIENT}.url = 'ftp://127.0.0.1/default/websocket/offer'")
    connect(page)
    expect_failure(page, "This page calls an address that browsers refuse. Tell the people who run it.")
    assert page.problems == []


def test_a_ticket_that_does_not_come_is_given_up(page_with_clock):
    page = page_with_clock
    page.evaluate(KEEP_TRACKS)
    page.evaluate(f"void ({CLIENT}.ticket = () => new Promise(() => (window.asked = true)))")
    connect(page)
    wait_until(page, "window.asked")
    page.clock.fast_forward(9000)
    expect(state(page)).to_have_text("Connecting…")
    page.clock.fast_forward(1000)
    expect_failure(page, "This page could not get leave to call. Load it again.")
    assert page.problems == []
