"""Inputs and outputs over a network that is cut."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.proxy import Proxy
from tests.browser.records import stored_outputs
from tests.browser.test_client_page import KEEP_OUTPUTS
from tests.browser.waiting import wait_until
from tests.live.records import session_rows
from tests.live.streams import Asking

pytestmark = pytest.mark.live

SOCKET = "/asking/websocket/offer"
OUTPUTS = "/outputs"
INPUTS = ["two words", {"number": 7}]
CUTS = 4
RETRIES_MS = 3000  # three times as long as an EventSource that was cut off waits


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def sample_page(open_page, proxy) -> Page:
    query = urlencode({"rate": 48000, "path": SOCKET, "inputs": json.dumps(INPUTS)})
    page = open_page(proxy.http_url(f"/static/browser/sample_client.html?{query}"))
    page.statuses = []
    page.on("response", lambda response: _note_status(page, response))
    page.click("#connect")
    wait_for_outputs(page, 25)
    return page


def _note_status(page: Page, response) -> None:
    if OUTPUTS in response.url:
        page.statuses.append(response.status)


def wait_for_outputs(page: Page, more: int) -> None:
    count = page.evaluate("window.call.outputs.length")
    wait_until(page, f"window.call.outputs.length >= {count + more}")


def outputs_once_closed(page: Page) -> list[Any]:
    wait_until(page, "window.call.source.readyState === EventSource.CLOSED")
    return page.evaluate("window.call.outputs")


def row_of(page: Page, database: Path) -> dict[str, Any]:
    session_id = page.evaluate("window.call.id")
    return next(row for row in session_rows(database) if row["session_id"] == session_id)


def test_cuts_lose_and_repeat_nothing(sample_page, proxy, server):
    page = sample_page
    for cut in range(1, CUTS + 1):
        proxy.cut(OUTPUTS)
        wait_until(page, lambda cut=cut: len(proxy.requests_for(OUTPUTS)) > cut)
        wait_for_outputs(page, 25)
    page.evaluate("window.call.stop()")

    outputs = outputs_once_closed(page)
    row = row_of(page, server.database)
    assert outputs == stored_outputs(server.database, row["session_id"])
    numbers = [output["n"] for output in outputs if "n" in output]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [output for output in outputs if "n" not in output] == [{"inputs": INPUTS}] * Asking.ASKS
    assert page.evaluate("window.call.answers") == [200] * Asking.ASKS
    assert (row["state"], row["end_reason"]) == ("ended", "client_stop")

    page.wait_for_timeout(RETRIES_MS)
    assert page.statuses == [200] * (CUTS + 1) + [204]
    assert len(proxy.requests_for(OUTPUTS)) == CUTS + 2


def test_without_its_socket_the_session_ends_and_its_last_outputs_come(sample_page, proxy, server):
    page = sample_page
    proxy.cut(SOCKET)
    outputs = outputs_once_closed(page)
    row = row_of(page, server.database)
    assert outputs == stored_outputs(server.database, row["session_id"])
    assert (row["state"], row["end_reason"]) == ("ended", "client_gone")
    assert page.evaluate("window.call.code") == 1006
    assert page.statuses == [200, 204]


def test_our_page_shows_the_last_outputs_of_a_call_it_has_lost(open_page, proxy, server):
    page = open_page(proxy.http_url("/asking/"))
    page.evaluate(KEEP_OUTPUTS)
    page.evaluate("document.querySelector('[data-rtc-client]').rtcClient.reconnect = false")
    page.get_by_role("button", name="Connect").click()
    field = page.get_by_label("The stream asks for input")
    field.fill("hello")
    field.press("Enter")
    wait_until(page, "window.outputs.length > 5")
    proxy.cut(OUTPUTS)
    proxy.cut(SOCKET)
    expect(page.locator("[data-part=state]")).to_have_text("Connection lost")
    expect(field).to_be_hidden()
    wait_until(page, "window.source.readyState === EventSource.CLOSED")
    assert page.evaluate("window.outputs") == stored_outputs(server.database, page.evaluate("window.sessionId"))
    last = page.evaluate("window.outputs.at(-1).n")
    expect(page.locator("[data-part=log]")).to_contain_text(f"n: {last}")
    page.wait_for_timeout(RETRIES_MS)
    assert len(proxy.requests_for(OUTPUTS)) == 2
