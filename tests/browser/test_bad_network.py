"""Our own page on a network that is uneven, or is cut."""

import logging

import pytest
from playwright.sync_api import expect

from tests.browser.calling import connect, record_echo, state
from tests.browser.proxy import Jitter, Proxy
from tests.browser.waiting import wait_until
from tests.live.records import session_rows

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.live

SOCKET = "/websocket/offer"
UNEVEN = Jitter(share=0.03, shortest_s=0.04, longest_s=0.14)
LONGEST_GAP_S = 0.06
LONGEST_DELAY_S = 0.7
STALL_S = 4
IN_TIME_MS = 500  # of audio in the buffer: its target and the lead of the server
# Reports come with each 50 ms of playback. Counts those in which a second and more waits to be played.
COUNT_LATE = """() => {
    window.late = 0;
    document.querySelector("[data-rtc-client]").rtcClient.addEventListener("buffer", ({ detail }) => {
        window.depthMs = detail.depthMs;
        if (detail.depthMs > detail.targetMs + 1000) window.late += 1;
    });
}"""


@pytest.mark.first
@pytest.mark.parametrize("seconds", [12, pytest.param(60, marks=pytest.mark.long)])
def test_frames_that_come_late_and_in_bunches_leave_no_gap(open_page, server, seconds):
    with Proxy(server.port, UNEVEN) as proxy:
        page = open_page(proxy.http_url("/default/"))
        echo = record_echo(page, seconds)
        logger.info("%d delays, the longest %.3f s", len(proxy.delays_s), max(proxy.delays_s))
        logger.info("gaps concealed: %s", page.locator("[data-part=gaps]").inner_text())
        assert len(proxy.delays_s) > 0.02 * 50 * seconds  # of 50 frames a second, nearly all come one by one
        assert echo.longest_gap_s <= LONGEST_GAP_S
        assert max(echo.delays_s) <= LONGEST_DELAY_S
        assert page.problems == []


def test_after_a_stall_playback_is_soon_back_in_time(open_page, server):
    with Proxy(server.port) as proxy:
        page = open_page(proxy.http_url("/default/"))
        page.evaluate(COUNT_LATE)
        connect(page)
        expect(state(page)).to_have_text("The stream is speaking")
        proxy.stall(STALL_S)
        wait_until(page, "window.late > 0")
        wait_until(page, f"window.depthMs < {IN_TIME_MS}")
        assert page.evaluate("window.late") < 5 / 0.05
        assert page.problems == []


def test_after_a_pause_of_the_device_playback_is_back_in_time_at_once(open_page):
    page = open_page("/tune/")
    page.evaluate(COUNT_LATE)
    connect(page)
    expect(state(page)).to_have_text("Playing")
    context = "document.querySelector('[data-rtc-client]').rtcClient.sound.context"
    page.evaluate(f"{context}.suspend()")
    page.wait_for_timeout(STALL_S * 1000)
    page.evaluate(f"{context}.resume()")
    page.wait_for_timeout(1500)
    logger.info("%d reports of a second and more", page.evaluate("window.late"))
    assert page.evaluate("window.depthMs") < IN_TIME_MS
    assert page.evaluate("window.late") <= 10
    assert page.problems == []


def test_a_call_that_was_cut_goes_on_as_another_session(open_page, server):
    with Proxy(server.port) as proxy:
        page = open_page(proxy.http_url("/default/"))
        client = "document.querySelector('[data-rtc-client]').rtcClient"
        page.evaluate(
            f"window.ids = []; {client}.addEventListener('session', ({{ detail }}) => ids.push(detail.sessionId))"
        )
        connect(page)
        expect(state(page)).to_have_text("The stream is speaking")
        proxy.cut(SOCKET)
        expect(state(page)).to_have_text("Connecting again…")
        expect(page.locator("[data-part=reason]")).to_contain_text("The connection was lost. Trying again in")
        expect(state(page)).to_have_text("The stream is speaking")
        page.get_by_role("button", name="Hang up").click()
        expect(state(page)).to_have_text("Call ended")
        ids = page.evaluate("window.ids")

        def ends():
            rows = {row["session_id"]: row for row in session_rows(server.database)}
            found = [rows[id]["end_reason"] for id in ids]
            return found if all(found) else []

        assert len(ids) == 2
        assert wait_until(page, ends) == ["client_gone", "client_stop"]
