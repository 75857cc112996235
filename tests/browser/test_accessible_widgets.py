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
