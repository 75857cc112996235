"""A project's own words for the widget, from its template."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import reason, state
from tests.browser.test_client_page import REPLACE_MICROPHONE
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

STICKING_OUT = """() => [...document.querySelectorAll(".rtc-buttons button")].filter((button) => {
    const [box, label] = [button, button.querySelector("span")].map((element) => element.getBoundingClientRect());
    return button.scrollWidth > button.clientWidth || label.left < box.left || label.right > box.right;
}).map(({ textContent }) => textContent)"""


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/german/", viewport={"width": 320, "height": 800})


def test_the_words_of_the_template_are_used(page):
    expect(button(page, "Anrufen")).to_be_enabled()
    expect(state(page)).to_have_text("Bereit")
    expect(button(page, "Stumm")).to_be_visible()
    button(page, "Anrufen").click()
    expect(page.locator("[data-part=input-title]")).to_have_text("Angaben erbeten")
    button(page, "Stumm").click()
    expect(button(page, "Stummschaltung aufheben")).to_be_visible()
    expect(state(page)).to_have_text("Ihr Mikrofon ist stumm")
    button(page, "Auflegen").click()
    expect(button(page, "Verbindung erneut herstellen")).to_be_enabled()
    expect(state(page)).to_have_text("Anruf beendet")
    expect(reason(page)).to_have_text("Sie haben aufgelegt.")
    expect(page.locator("[data-part=log]")).to_contain_text("Sie haben aufgelegt.")
    assert page.problems == []


def test_words_that_the_page_does_not_give_are_english(page):
    page.evaluate(REPLACE_MICROPHONE, "OddError")
    button(page, "Anrufen").click()
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_have_text("Das Mikrofon ließ sich nicht öffnen (OddError).")


def test_a_widget_that_comes_back_keeps_its_words(page):
    button(page, "Anrufen").click()
    expect(button(page, "Auflegen")).to_be_visible()
    page.evaluate("""async () => {
        const root = document.querySelector("[data-rtc-client]");
        const copy = root.cloneNode(true);
        root.remove();
        await null;
        document.body.append(copy);
    }""")
    expect(button(page, "Anrufen")).to_be_enabled()
    expect(state(page)).to_have_text("Bereit")


def test_long_labels_stay_inside_their_buttons(page):
    button(page, "Anrufen").click()
    button(page, "Stumm").click()
    expect(button(page, "Stummschaltung aufheben")).to_be_visible()
    assert page.evaluate(STICKING_OUT) == []
    button(page, "Auflegen").click()
    expect(button(page, "Verbindung erneut herstellen")).to_be_enabled()
    assert page.evaluate(STICKING_OUT) == []
    wait_until(page, "document.documentElement.scrollWidth <= 320")
