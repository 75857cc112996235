"""What the widget does for who can't see it, or not bear motion."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import connect, state

pytestmark = pytest.mark.live

LISTENED_MS = 2000
COUNT = """(milliseconds) => new Promise((resolve) => {
    const counted = { fills: 0, told: 0 };
    const { fill } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fill = function (...path) { counted.fills += 1; fill.apply(this, path); };
    const observer = new MutationObserver((records) => (counted.told += records.length));
    for (const meter of document.querySelectorAll("[role=meter]")) {
        observer.observe(meter, { attributeFilter: ["aria-valuenow"] });
    }
    setTimeout(() => resolve(counted), milliseconds);
})"""
COLOURS = """() => [...document.querySelectorAll("canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) colours.add(data.slice(i, i + 3).join());
    return colours.size;
})"""


def call(page: Page) -> Page:
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    return page


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_meters_tell_their_values_seldom_and_move_little_where_motion_is_unwanted(open_page, motion):
    page = call(open_page("/default/", reduced_motion=motion))
    counted = page.evaluate(COUNT, LISTENED_MS)
    a_second = {name: count / LISTENED_MS * 1000 for name, count in counted.items()}
    assert 0 < a_second["told"] <= 2 * 5
    assert 0 < a_second["fills"] <= (10 if motion == "reduce" else 100)
    assert all(count > 1 for count in page.evaluate(COLOURS))  # there is silence, and there is sound
    assert page.problems == []


def test_a_field_is_described_by_its_help_and_by_what_is_wrong(open_page):
    page = call_for_input(open_page("/form/"))
    nights = page.get_by_label("Nights")
    expect(nights).to_have_accessible_description("At most two weeks.")
    nights.fill("40")
    page.get_by_role("button", name="Send").click()
    expect(nights).to_have_accessible_description(re.compile("than or equal to 14. At most two weeks.$"))
    expect(page.get_by_role("group", name="Extras")).to_have_accessible_description("Besides the bed.")
    page.problems.clear()  # the browser tells of the answer 400


def call_for_input(page: Page) -> Page:
    connect(page)
    expect(page.locator("[data-part=input]")).to_contain_text("The stream asks for input")
    return page


def test_the_button_that_mutes_says_what_it_does_and_is_no_switch(open_page):
    page = call(open_page("/default/"))
    page.get_by_role("button", name="Mute").click()
    unmute = page.get_by_role("button", name="Unmute")
    expect(unmute).to_be_visible()
    expect(unmute).not_to_have_attribute("aria-pressed", re.compile(".*"))
    expect(unmute.locator(".rtc-icon-slash")).to_be_visible()


LATE = "[data-part=late]"
WAIT_NO_LONGER = f"document.querySelector('{LATE}').getAnimations().forEach((animation) => animation.finish())"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_widget_whose_script_does_not_come_says_so(open_page, motion):
    page = open_page("/default/", reduced_motion=motion)
    expect(page.locator(LATE)).to_be_hidden()
    page.route("**/quality.js", lambda route: route.fulfill(status=404))
    page.reload()
    expect(state(page)).to_have_text("Loading…")
    expect(page.get_by_role("button", name="Connect")).to_be_disabled()
    expect(page.locator(LATE)).to_be_hidden()
    page.evaluate(WAIT_NO_LONGER)
    expect(page.locator(LATE)).to_be_visible()
    expect(page.locator(LATE)).to_have_text("This could not be loaded. Load the page again.")


TURN_ROUND = "document.documentElement.dir = 'rtl'"
FROM_LEFT_TO_RIGHT = """(selector) => {
    const node = document.querySelector(selector).firstChild;
    const at = (i) => {
        const range = document.createRange();
        range.setStart(node, i);
        range.setEnd(node, i + 1);
        return range.getBoundingClientRect().left;
    };
    return at(0) < at(node.length - 1);
}"""
BAR = """() => {
    const style = getComputedStyle(document.querySelector(".rtc-line-output span"));
    return [style.borderLeftWidth, style.borderRightWidth];
}"""


def test_from_right_to_left_figures_stay_figures_and_bars_stand_in_front(open_page):
    page = call(open_page("/default/"))
    page.evaluate(TURN_ROUND)
    expect(page.locator("[data-part=buffer]")).to_have_text(re.compile(r"\d+ ms"))
    page.evaluate("document.querySelector('[data-rtc-client]').rtcClient.emit('output', 'Is it?')")
    for selector in ("[data-part=buffer]", ".rtc-line-output time", ".rtc-line-output span"):
        assert page.evaluate(FROM_LEFT_TO_RIGHT, selector), selector
    assert page.evaluate(BAR) == ["0px", "3px"]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


DENY_CLIPBOARD = """() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("", "NotAllowedError"));
}"""


def test_copying_an_example_is_told_to_who_does_not_see_it(open_page):
    page = open_page("/default/docs", permissions=["clipboard-write"])
    button = page.get_by_role("button", name="Copy").first
    title = page.locator("[data-example]").first.get_attribute("data-title")
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.get_by_role("status")).to_have_text(f"Copied: {title}")
    page.evaluate(DENY_CLIPBOARD)
    button.click()
    expect(button).to_have_text("Selected")
    expect(page.get_by_role("status")).to_contain_text("Copying is blocked.")
    code = page.locator("[data-example] code").first.inner_text()
    assert page.evaluate("getSelection().toString()").strip() == code.strip()
    assert page.problems == []
