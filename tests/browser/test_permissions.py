"""What hangs on leave to use the microphone, and on what a browser keeps of its devices from page to page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.calling import connect, reason, state
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

CLIENT = "document.querySelector('[data-rtc-client]').rtcClient"
DEVICE_IN_USE = f"{CLIENT}.sound.stream.getTracks()[0].getSettings().deviceId"


@pytest.fixture(scope="module")
def browser(launch, spoken_wav) -> Iterator[Browser]:
    browser = launch(spoken_wav, asks=True)
    yield browser
    browser.close()


def test_a_microphone_is_chosen_in_a_call_and_remembered(page):
    menu = page.get_by_role("combobox", name="Microphone")
    expect(menu.locator("option")).not_to_have_count(1)
    names = menu.locator("option").all_inner_texts()
    assert names[0] == "Default microphone" and len(set(names)) == len(names) > 2
    chosen = menu.locator("option").nth(2).get_attribute("value")
    assert chosen != page.evaluate(DEVICE_IN_USE)
    menu.select_option(chosen)
    wait_until(page, f"{DEVICE_IN_USE} === {chosen!r}")
    expect(state(page)).to_have_text("The stream is speaking")

    page.reload()
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.evaluate(DEVICE_IN_USE) == chosen
    expect(page.locator("[data-part=microphone]")).to_have_value(chosen)
    assert page.problems == []


def test_a_speaker_is_chosen_and_remembered(page):
    menu = page.get_by_role("combobox", name="Speaker")
    chosen = menu.locator("option").nth(1).get_attribute("value")
    menu.select_option(chosen)
    wait_until(page, f"{CLIENT}.sound.context.sinkId === {chosen!r}")
    page.reload()
    expect(page.locator("[data-part=speaker]")).to_have_value(chosen)
    assert page.problems == []


def test_a_permission_that_is_denied_is_explained(open_page):
    page = open_page("/default/", permissions=[])
    connect(page)
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_have_text(
        "The microphone is blocked. Allow it in the browser's site settings, then connect again."
    )
    expect(page.get_by_role("button", name="Connect again")).to_be_enabled()
    assert page.problems == []
