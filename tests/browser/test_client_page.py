"""Our own page in a real browser against a real server."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.calling import connect, reason, record_echo, state
from tests.browser.records import stored_outputs
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

LONGEST_GAP_S = 0.04
LONGEST_DELAY_S = 0.5

KEEP_OUTPUTS = """() => {
    const { rtcClient } = document.querySelector("[data-rtc-client]");
    window.outputs = [];
    rtcClient.addEventListener("output", ({ detail }) => {
        window.outputs.push(detail);
        window.source = rtcClient.outputs.source;
        window.sessionId = rtcClient.sessionId;
    });
}"""

REPLACE_MICROPHONE = """(errorName) => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", errorName); };
}"""

ANSWER_LATE = """() => {
    const media = navigator.mediaDevices;
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = async (constraints) => {
        window.asked = true;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        window.late = await ask(constraints);
        return window.late;
    };
}"""

BUTTONS = """() => [...document.querySelectorAll(".rtc-buttons button")].map((button) => {
    const { x, y, width, height } = button.getBoundingClientRect();
    const lines = button.querySelector("span").getClientRects().length;
    return [x, y, width, height, lines, button.scrollWidth <= button.clientWidth];
})"""


@pytest.mark.first
@pytest.mark.parametrize("seconds", [10, pytest.param(30, marks=pytest.mark.long)])
def test_a_call_without_a_gap(open_page, seconds):
    page = open_page("/default/")
    call = record_echo(page, seconds)
    assert call.correlation > 0.95
    assert call.longest_gap_s <= LONGEST_GAP_S
    assert max(call.delays_s) <= LONGEST_DELAY_S
    assert page.problems == []


def test_hanging_up_says_so_and_another_call_can_follow(open_page):
    page = open_page("/default/")
    connect(page)
    expect(page.locator("[data-part=latency]")).to_have_text(re.compile(r"\d+ ms"))
    page.get_by_role("button", name="Hang up").click()
    expect(state(page)).to_have_text("Call ended")
    expect(reason(page)).to_have_text("You ended the call.")
    page.get_by_role("button", name="Connect again").click()
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


REPORT_OFTEN = """async () => {
    const { rtcClient } = document.querySelector("[data-rtc-client]");
    const figure = document.querySelector("[data-part=buffer]");
    let changes = 0;
    const observer = new MutationObserver((records) => (changes += records.length));
    observer.observe(figure, { childList: true, characterData: true, subtree: true });
    for (let depthMs = 1000; depthMs < 1100; depthMs++) rtcClient.emit("buffer", { depthMs, underruns: 0 });
    await Promise.resolve(); // by then the observer was told
    observer.disconnect();
    return changes;
}"""


def test_a_figure_that_changes_all_the_time_costs_no_layout_each_time(page):
    assert page.evaluate(REPORT_OFTEN) <= 1
    expect(page.locator("[data-part=buffer]")).to_have_text(re.compile(r"^\d{2,3} ms$"))  # and goes on


def test_a_microphone_that_comes_after_hanging_up_is_let_go(open_page):
    page = open_page("/default/")
    page.evaluate(ANSWER_LATE)
    connect(page)
    wait_until(page, "window.asked")
    page.get_by_role("button", name="Hang up").click()
    expect(state(page)).to_have_text("Call ended")
    wait_until(page, "Boolean(window.late)")
    page.wait_for_timeout(200)  # what is done with it
    assert page.evaluate("window.late.getTracks().map(({ readyState }) => readyState)") == ["ended"]
    assert page.problems == []


def test_a_double_click_connects(open_page):
    page = open_page("/default/")
    page.get_by_role("button", name="Connect").dblclick()
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


def buttons_by_width(page):
    """Where the buttons are on pages of several widths; of each also its lines of text, and whether it holds them."""
    buttons = {}
    for width in (1280, 1100, 900, 414, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        buttons[width] = page.evaluate(BUTTONS)
    return buttons


def test_no_button_moves_when_it_says_something_else(open_page):
    page = open_page("/default/")
    expect(page.get_by_role("button", name="Connect")).to_be_enabled()
    before = buttons_by_width(page)
    for buttons in before.values():
        assert [button[-2:] for button in buttons] == [[1, True]] * 3
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    assert buttons_by_width(page) == before
    page.get_by_role("button", name="Mute").click()
    expect(state(page)).to_have_text("Your microphone is muted")
    assert buttons_by_width(page) == before
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("button", name="Connect again")).to_be_enabled()
    assert buttons_by_width(page) == before


def test_inputs_are_asked_for_and_all_outputs_come_to_the_last(open_page, server):
    page = open_page("/asking/")
    page.evaluate(KEEP_OUTPUTS)
    connect(page)
    for words in ("two words", "7"):
        page.get_by_label("The stream asks for input").fill(words)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("[data-part=log]")).to_contain_text(f"inputs: [{words}]")
    expect(page.get_by_label("The stream asks for input")).to_be_hidden()
    page.get_by_role("button", name="Hang up").click()
    wait_until(page, "window.source.readyState === EventSource.CLOSED")
    assert page.evaluate("window.outputs") == stored_outputs(server.database, page.evaluate("window.sessionId"))
    assert page.problems == []


def test_a_muted_microphone_is_silent(open_page):
    page = open_page("/default/")
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.get_by_role("button", name="Mute").click()
    expect(state(page)).to_have_text("Your microphone is muted")
    expect(page.locator("[data-part=meter-out]")).to_have_attribute("aria-valuenow", "0")
    page.get_by_role("button", name="Unmute").click()
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


def test_a_stream_that_only_plays_asks_for_no_microphone(open_page):
    page = open_page("/tune/")
    page.evaluate(REPLACE_MICROPHONE, "Error")
    expect(page.get_by_role("button", name="Mute")).to_have_count(0)
    connect(page)
    expect(state(page)).to_have_text("Playing")
    assert page.problems == []


def test_a_blocked_microphone_is_explained(open_page):
    page = open_page("/default/")
    page.evaluate(REPLACE_MICROPHONE, "NotAllowedError")
    connect(page)
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_contain_text("The microphone is blocked")
    expect(page.locator("[data-rtc-client]")).to_have_attribute("data-failed", "")
    assert page.problems == []


def test_an_insecure_page_is_explained(open_page, server):
    page = open_page(server.http_url("/default/").replace("127.0.0.1", "insecure.test"))
    connect(page)
    expect(reason(page)).to_contain_text("only on pages opened over https")
    page.problems.clear()


def test_the_pages_come_under_a_strict_policy(open_page):
    page = open_page("/default/")
    policy = page.evaluate("async () => (await fetch('')).headers.get('content-security-policy')")
    assert re.match(r"default-src 'none'; script-src 'nonce-[\w-]{22}' 'strict-dynamic'; style-src 'nonce-", policy)


@pytest.mark.parametrize("path", ["/", "/default/", "/tune/"])
def test_nothing_sticks_out_sideways(open_page, path):
    page = open_page(path)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 760})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.problems == []
