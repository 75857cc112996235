"""The admin in a real browser, beside a real server and a real call."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from rtc.core.audio import encode_mulaw
from tests.live.client import open_client
from tests.live.databases import copy
from tests.live.servers import ROOT, Server, environment, migrated

pytestmark = pytest.mark.live

SETTINGS = "tests.browser.admin_settings"
USERNAME, PASSWORD = "root", "correct horse"
SAMPLE_RATE = 16000
FRAME_SAMPLES = 320
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE
WAIT_MS = 15_000


@pytest.fixture(scope="module")
def admin_server(tmp_path_factory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("admin")
    template = directory / "template.sqlite3"
    copy(migrated(tmp_path_factory), template)
    subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", USERNAME, "--email", "r@x.test"],
        cwd=ROOT,
        env={**environment(template, SETTINGS, {}), "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with Server("daphne", directory, template, settings=SETTINGS) as server:
        yield server


@pytest.fixture
def admin_page(browser, admin_server) -> Iterator[Page]:
    """Logged in, at the list of sessions."""
    context = browser.new_context()
    page = context.new_page()
    page.problems = []
    page.on("console", lambda message: note(page, message))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(admin_server.http_url("/admin/login/?next=/admin/rtc/session/"))
    page.fill("#id_username", USERNAME)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    yield page
    context.close()


def note(page: Page, message) -> None:
    if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):  # the admin has none
        page.problems.append(message.text)


@pytest.fixture
def call(admin_server) -> Iterator[Any]:
    """Starts calls that go on until they are ended by the server: call(session_id) gives a future of messages and
    close code.
    """
    with ThreadPoolExecutor() as pool:
        yield lambda session_id: pool.submit(asyncio.run, _talk(admin_server.websocket_url(), session_id))


async def _talk(url: str, session_id: str) -> tuple[list[dict[str, Any]], int | None]:
    time_s = np.arange(FRAME_SAMPLES) / SAMPLE_RATE
    tone = encode_mulaw((8000 * np.sin(2 * np.pi * 400 * time_s)).astype(np.int16))
    async with open_client(url) as client:
        media_format = {"encoding": "mulaw", "sample_rate": SAMPLE_RATE, "framing": "json"}
        await client.start(session_id, media_format=media_format)
        await client.wait_for_message(event="started")
        await client.send({"event": "nonsense"})
        audio = asyncio.create_task(client.send_audio(tone * 3_000, FRAME_SAMPLES, FRAME_S))
        close_code = await client.wait_closed(timeout_s=60)
        audio.cancel()
        await asyncio.gather(audio, return_exceptions=True)
        return [arrival.value for arrival in client.messages], close_code


def ended(call: Future) -> tuple[dict[str, Any], int | None]:
    messages, close_code = call.result(timeout=10)
    return messages[-1], close_code


def hang_up(page: Page) -> None:
    page.get_by_role("link", name="Hang up").click()
    page.get_by_role("button", name="Yes, hang up").click()


def forbid_reloads(page: Page) -> None:
    page.evaluate("window.neverReloaded = true")


def was_never_reloaded(page: Page) -> bool:
    return page.evaluate("window.neverReloaded === true")


def test_a_session_appears_is_watched_and_is_hung_up(admin_page, call):
    forbid_reloads(admin_page)
    expect(admin_page.locator("#result_list")).to_have_count(0)
    talking = call("watched")
    row = admin_page.locator("#result_list tbody tr", has_text="watched")
    expect(row.locator(".field-live_state")).to_have_text("active", timeout=WAIT_MS)
    expect(row.locator(".field-heard")).to_have_text(re.compile(r"[1-9]"), timeout=WAIT_MS)
    assert was_never_reloaded(admin_page)

    row.get_by_role("link", name="watched").click()
    frames_in = admin_page.locator(".rtc-figures div", has_text="Frames in").locator("dd")
    before = frames_in.inner_text()
    expect(frames_in).not_to_have_text(before, timeout=WAIT_MS)
    expect(admin_page.locator(".rtc-plot polyline")).to_have_count(4, timeout=WAIT_MS)
    moments = admin_page.locator(".rtc-timeline li")
    expect(moments.first).to_contain_text("started")
    expect(moments.nth(1)).to_contain_text("error unknown_event")

    hang_up(admin_page)
    message, close_code = ended(talking)
    assert message["type"] == "end"
    assert message["data"]["reason"] == "hung_up"
    assert close_code == 1000
    expect(admin_page.locator(".messagelist")).to_contain_text("Hung up: 1 session.")
    expect(moments.last).to_contain_text("hung_up, close code 1000", timeout=WAIT_MS)
    expect(admin_page.get_by_role("link", name="Hang up")).to_have_count(0)
    assert admin_page.problems == []


TELL_AT_LENGTH = """document.querySelectorAll(".rtc-timeline li > div").forEach((told) => {
    told.textContent = "x".repeat(150); // a user's name may be as long
})"""


def test_a_session_with_a_long_id_fits_on_a_phone(admin_page, call):
    long_id = "0123456789abcdef" * 4  # the longest there is
    talking = call(long_id)
    admin_page.set_viewport_size({"width": 360, "height": 760})
    for name, url in ((long_id, "**/change/**"), ("Hang up", "**/hang_up/**")):
        admin_page.get_by_role("link", name=name).click(timeout=WAIT_MS)
        admin_page.wait_for_url(url)
        admin_page.evaluate(TELL_AT_LENGTH)
        assert admin_page.evaluate("document.documentElement.scrollWidth") <= 360
    admin_page.get_by_role("button", name="Yes, hang up").click()
    ended(talking)


CONTRASTS = """() => {
    const probe = document.body.appendChild(document.createElement("p"));
    const luminance = (name) => {
        probe.style.color = `var(${name})`;
        const parts = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map((part) => part / 255);
        const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        const [red, green, blue] = parts.map(linear);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (text, ground) => {
        const [dark, light] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const grounds = ["--body-bg", "--darkened-bg", "--selected-row"];
    return ["--rtc-live", "--rtc-trouble"].flatMap((text) => grounds.map((ground) => contrast(text, ground)));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_states_can_be_read_on_each_row(admin_page, scheme):
    admin_page.emulate_media(color_scheme=scheme)
    expect(admin_page.locator("[data-rtc-status]")).to_contain_text("Live")
    assert min(admin_page.evaluate(CONTRASTS)) >= 4.5  # WCAG, AA


def test_what_is_ticked_stays_ticked_and_counted(admin_page, call):
    first = call("first")
    row = admin_page.locator("#result_list tbody tr", has_text="first")
    expect(row).to_be_visible(timeout=WAIT_MS)
    forbid_reloads(admin_page)
    row.locator("input.action-select").check()
    second = call("second")
    new_row = admin_page.locator("#result_list tbody tr", has_text="second")
    expect(new_row).to_be_visible(timeout=WAIT_MS)
    expect(row.locator("input.action-select")).to_be_checked()
    counter = admin_page.locator(".action-counter")
    total = admin_page.locator("#result_list tbody tr").count()
    expect(counter).to_have_text(f"1 of {total} selected")
    new_row.locator("input.action-select").check()
    expect(counter).to_have_text(f"2 of {total} selected")
    assert was_never_reloaded(admin_page)

    admin_page.select_option("select[name=action]", "hang_up")
    admin_page.click("button[name=index]")
    admin_page.get_by_role("button", name="Yes, hang up").click()
    for talking in [first, second]:
        message, close_code = ended(talking)
        assert message["data"]["reason"] == "hung_up"
        assert close_code == 1000
    for found in [row, new_row]:
        expect(found.locator(".field-live_state")).to_contain_text("hung_up", timeout=WAIT_MS)
    assert admin_page.problems == []


def test_nothing_is_fetched_while_the_page_is_hidden(admin_page):
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    admin_page.wait_for_load_state("networkidle")
    fetched = []
    admin_page.on("request", lambda request: fetched.append(request.url))
    admin_page.evaluate(hide, True)
    admin_page.clock.install()
    admin_page.clock.run_for(60_000)
    assert fetched == []
    with admin_page.expect_response("**/admin/rtc/session/"):
        admin_page.evaluate(hide, False)


def test_a_page_whose_reader_was_logged_out_says_so(admin_page):
    status = admin_page.locator("[data-rtc-status]")
    expect(status).to_contain_text("Live")
    expect(status).not_to_have_role("alert")
    admin_page.context.clear_cookies()
    expect(status).to_have_text("Not live any more: reload the page.", timeout=WAIT_MS)
    expect(status).to_have_role("alert")
