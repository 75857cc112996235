"""Widgets that come and go while their page stays: Turbo, htmx and single-page applications do so."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import connect, state
from tests.browser.peer import Peer
from tests.browser.test_client_page import ANSWER_LATE
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

REMEMBER = """() => {
    window.root = document.querySelector("[data-rtc-client]");
    window.client = window.root.rtcClient;
    window.sound = window.client.sound;
}"""
REMOVE = "window.root.remove()"
LET_GO = """window.client.state === "ended" && window.sound.context.state === "closed" &&
    (window.sound.stream?.getTracks() ?? []).every(({ readyState }) => readyState === "ended")"""
NOTE_LISTENERS = """() => {
    window.noted = [];
    const { addEventListener } = EventTarget.prototype;
    const outlast = (target) => target === window || target instanceof MediaDevices || target instanceof MediaQueryList;
    EventTarget.prototype.addEventListener = function (type, listener, options) {
        if (outlast(this)) window.noted.push({ type, options });
        addEventListener.call(this, type, listener, options);
    };
}"""


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/default/")


def remove(page: Page) -> None:
    page.evaluate(REMEMBER)
    page.evaluate(REMOVE)


def test_a_removed_widget_hangs_up_and_releases_the_microphone(page):
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.evaluate(REMEMBER)
    assert page.evaluate(f"async () => {{ {REMOVE}; await null; return {LET_GO}; }}")
    assert page.problems == []


def test_the_server_is_told_that_the_widget_is_gone(page):
    peer = Peer(page)
    peer.send_started()
    expect(state(page)).to_have_text("Listening")
    remove(page)
    peer.wait_for("stop")
    wait_until(page, "window.client.connection === null")


def test_a_widget_that_is_removed_before_the_call_stands_hangs_up(page):
    peer = Peer(page)
    remove(page)
    wait_until(page, LET_GO)
    page.wait_for_timeout(200)
    assert len(peer.starts) == 1


def test_a_widget_that_is_removed_while_it_connects_again_gives_up(page):
    peer = Peer(page)
    peer.send_started()
    expect(state(page)).to_have_text("Listening")
    peer.socket.close(code=1011)
    expect(state(page)).to_have_text("Connecting again…")
    remove(page)
    wait_until(page, LET_GO)
    page.wait_for_timeout(1500)  # it would have called again within a second
    assert len(peer.starts) == 1


def test_a_microphone_that_comes_after_the_widget_was_removed_is_let_go(page):
    page.evaluate(ANSWER_LATE)
    connect(page)
    wait_until(page, "window.asked")
    remove(page)
    wait_until(page, "Boolean(window.late)")
    page.wait_for_timeout(200)  # what is done with it
    assert page.evaluate("window.late.getTracks().map(({ readyState }) => readyState)") == ["ended"]
    assert page.evaluate("window.client.state") == "ended"
    assert page.problems == []


def test_a_removed_widget_listens_to_nothing_that_outlasts_it(page):
    page.add_init_script(f"({NOTE_LISTENERS})()")
    page.reload()
    expect(page.get_by_role("button", name="Connect")).to_be_enabled()
    assert {"pagehide", "devicechange", "change"} <= set(page.evaluate("window.noted.map(({ type }) => type)"))
    remove(page)
    wait_until(page, "window.noted.every(({ options }) => options?.signal?.aborted)")
    assert page.problems == []


def test_a_widget_that_is_moved_goes_on(page):
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.evaluate(REMEMBER)
    page.evaluate("document.querySelector('header').append(window.root)")
    page.wait_for_timeout(300)
    assert page.evaluate("window.root.rtcClient === window.client && window.client.connected")
    page.get_by_role("button", name="Hang up").click()
    expect(state(page)).to_have_text("Call ended")
    assert page.problems == []


@pytest.mark.parametrize("comer", ["window.root", "window.copy"])
def test_a_widget_that_comes_later_or_comes_back_is_alive(page, comer):
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.evaluate(REMEMBER)
    page.evaluate("window.copy = window.root.cloneNode(true)")
    page.evaluate(REMOVE)
    expect(state(page)).to_have_count(0)
    page.evaluate(f"document.querySelector('main').append({comer})")
    expect(state(page)).to_have_text("Ready to connect")
    expect(page.locator("[data-part=timer]")).to_be_hidden()
    assert page.evaluate(f"{comer}.rtcClient !== window.client")
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.get_by_role("button", name="Hang up").click()
    expect(state(page)).to_have_text("Call ended")
    assert page.problems == []


def test_a_page_that_is_left_finishes_at_once(open_page):
    """It may come back from the browser's cache as it was."""
    page = open_page("/tune/")
    connect(page)
    expect(state(page)).to_have_text("Playing")
    page.evaluate(REMEMBER)
    hide = "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
    assert page.evaluate(f"() => {{ {hide}; return window.client.state === 'ended' && window.sound.closed; }}")
    wait_until(page, LET_GO)
    expect(state(page)).to_have_text("Call ended")
    assert page.problems == []
