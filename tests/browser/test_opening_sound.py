"""Microphone and worklets are opened side by side: whichever fails, or is stopped meanwhile, leaves nothing open."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import connect, reason, state
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

CLIENT = "document.querySelector('[data-rtc-client]').rtcClient"
BLOCKED = "The microphone is blocked. Allow it in the browser's site settings, then connect again."
UNPLAYABLE = "The sound of this page could not be started. Load the page again."

# The microphone and the worklets come, or fail, when the test says so.
HOLD = """() => {
    const media = navigator.mediaDevices;
    const ask = media.getUserMedia.bind(media);
    const { addModule } = AudioWorklet.prototype;
    window.modules = [];
    window.asked = new Promise((resolve, reject) => Object.assign(window, { allow: resolve, refuse: reject }));
    window.loaded = new Promise((resolve, reject) => Object.assign(window, { load: resolve, fail: reject }));
    media.getUserMedia = async (constraints) => {
        await window.asked;
        window.stream = await ask(constraints);
        return window.stream;
    };
    AudioWorklet.prototype.addModule = async function (url) {
        window.modules.push(new URL(url).pathname.split("/").at(-1));
        window.context = document.querySelector("[data-rtc-client]").rtcClient.sound.context;
        await window.loaded;
        return addModule.call(this, url);
    };
}"""
BOTH_ASKED_FOR = "['capture', 'playback'].every((name) => window.modules.includes(`${name}-worklet.js`))"
LET_GO = "window.stream?.getTracks().every(({ readyState }) => readyState === 'ended') ?? false"
CLOSED = "window.context.state === 'closed'"


@pytest.fixture
def page(open_page) -> Page:
    """While the browser asks for the microphone, and loads the worklets; its sockets are in `page.sockets`."""
    page = open_page("/default/")
    page.sockets = []
    page.on("websocket", lambda socket: page.sockets.append(socket))
    page.evaluate(HOLD)
    connect(page)
    wait_until(page, BOTH_ASKED_FOR)
    return page


@pytest.mark.parametrize("order", ["allow load", "load allow"])
def test_the_worklets_load_while_the_browser_asks_and_the_socket_waits_for_both(page, order):
    first, last = order.split()
    page.evaluate(f"window.{first}()")
    page.wait_for_timeout(200)
    assert page.sockets == []
    page.evaluate(f"window.{last}()")
    expect(state(page)).to_have_text("The stream is speaking")
    assert len(page.sockets) == 1
    assert page.problems == []


def test_a_refused_microphone_waits_for_no_worklet(page):
    page.evaluate("window.refuse(new DOMException('', 'NotAllowedError'))")
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_have_text(BLOCKED)
    page.evaluate("window.fail(new DOMException('', 'AbortError'))")
    wait_until(page, CLOSED)
    page.wait_for_timeout(200)
    expect(reason(page)).to_have_text(BLOCKED)
    assert page.sockets == [] and page.problems == []


def test_worklets_that_do_not_load_wait_for_no_microphone_and_one_that_comes_is_let_go(page):
    page.evaluate("window.fail(new DOMException('', 'AbortError'))")
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_have_text(UNPLAYABLE)
    page.evaluate("window.allow()")
    wait_until(page, LET_GO)
    wait_until(page, CLOSED)
    assert page.sockets == [] and page.problems == []


@pytest.mark.parametrize(
    "settled", ["allow(), load()", "load(), allow()", "fail(new Error('')), refuse(new Error(''))", "stop()"]
)
def test_hanging_up_meanwhile_leaves_nothing_open(page, settled):
    page.get_by_role("button", name="Hang up").click()
    expect(reason(page)).to_have_text("You ended the call.")
    page.evaluate(f"{settled}")
    if "allow" in settled:
        wait_until(page, LET_GO)
    wait_until(page, CLOSED)
    page.evaluate(f"{CLIENT}.connecting")  # to its end
    expect(reason(page)).to_have_text("You ended the call.")
    assert page.sockets == [] and page.problems == []


WITHOUT_A_MODULE = """() => {
    const { addModule } = AudioWorklet.prototype;
    AudioWorklet.prototype.addModule = function (url) {
        return addModule.call(this, url.href.replace("concealment", "nowhere"));
    };
}"""


def test_a_module_of_a_worklet_that_is_not_there_is_told_of(open_page):
    page = open_page("/default/")
    page.evaluate(WITHOUT_A_MODULE)
    connect(page)
    expect(reason(page)).to_have_text(UNPLAYABLE)
    assert page.get_by_role("button", name="Connect again").is_enabled()
    page.problems.clear()  # the browser tells of the answer 404
