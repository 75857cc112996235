"""How the pages look to people who have long names, large letters, other directions or colours of their own."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import connect

pytestmark = pytest.mark.live

NARROW = {"width": 320, "height": 640}
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
NAME_AT_LENGTH = """() => {
    for (const element of document.querySelectorAll("h1, h2, h2 a, .rtc-intro p, .rtc-stream p, .rtc-stream code")) {
        if (element.childElementCount === 0) element.textContent = "Donaudampfschifffahrt".repeat(20);
    }
}"""
ENLARGE = "document.documentElement.style.fontSize = '200%'"
SIZES = """(selector) => Array.from(document.querySelectorAll(selector), (element) =>
    getComputedStyle(element).fontSize)"""
OVERFLOWING = """() => {
    document.querySelector(".rtc-timer").hidden = false;
    const parts = [...document.querySelectorAll(".rtc-call, .rtc-figures dt")];
    return parts.filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent);
}"""
SMALL = """() => Array.from(document.querySelectorAll("button, select, summary, .rtc-page li a, input"), (element) => {
    const { width, height } = (element.closest("label") ?? element).getBoundingClientRect();
    return [element.textContent.trim() || element.name, width, height];
}).filter(([, width, height]) => width > 0 && (width < 24 || height < 24))"""


@pytest.mark.parametrize("path", ["/", "/default/", "/default/docs"])
@pytest.mark.parametrize("width", [320, 1280])
def test_long_names_and_descriptions_scroll_no_page_sideways(open_page, path, width):
    page = open_page(path, viewport={**NARROW, "width": width})
    page.evaluate(NAME_AT_LENGTH)
    assert page.evaluate(FITS)


def test_all_letters_grow_with_those_of_the_browser(open_page):
    page = open_page("/default/", viewport=NARROW)
    page.evaluate(ENLARGE)
    assert set(page.evaluate(SIZES, ".rtc-button, .rtc-reason, .rtc-timer, .rtc-page")) == {"32px"}
    assert page.evaluate(FITS)
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("path", ["/default/docs", "/form/"])
def test_what_is_clicked_is_large_enough_for_a_finger(open_page, path):
    page = open_page(path)
    if path == "/form/":
        connect(page)
        expect(page.locator("[data-part=input]")).to_be_visible()
        page.get_by_text("Sound settings").click()
    assert page.evaluate(SMALL) == []


def test_code_is_written_from_left_to_right_everywhere(open_page):
    page = open_page("/default/docs")
    page.evaluate("document.documentElement.dir = 'rtl'")
    directions = "Array.from(document.querySelectorAll('pre, code'), (code) => getComputedStyle(code).direction)"
    assert set(page.evaluate(directions)) == {"ltr"}


def test_with_colours_of_the_visitor_the_dot_and_bubbles_are_still_seen(open_page):
    page = open_page("/default/", forced_colors="active")
    say(page, "Is it?")
    dot, text = (page.evaluate(f"getComputedStyle(document.querySelector('{name}')).{colour}") for name, colour in SEEN)
    assert dot == text
    bubble = page.locator(".rtc-message-text")
    expect(bubble).to_have_css("border-top-width", "1px")


SEEN = [(".rtc-dot", "backgroundColor"), (".rtc-state", "color")]


def say(page: Page, content: str) -> None:
    turn = {"role": "assistant", "content": content}
    page.evaluate("(turn) => document.querySelector('[data-rtc-client]').rtcClient.emit('output', turn)", turn)
