"""A page of another origin: with a ticket it calls, gives inputs and reads outputs; without, it is told why not."""

import json
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from rtc.tickets import make_ticket
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

BODY = """
<button>Talk</button><p id="state"></p><p id="text"></p>
<script type="module">
import { RTCClient } from "/static/rtc/client.js";
const root = "127.0.0.1:" + location.port;
const tickets = %s;
const client = new RTCClient({
  url: `ws://${root}/asking/websocket/offer`,
  outputsURL: `http://${root}/outputs`,
  inputURL: `http://${root}/input_hook`,
  ticket: tickets.length ? () => tickets.shift() : null,
});
window.client = client;
window.outputs = [];
client.addEventListener("state", ({ detail }) => {
  document.getElementById("state").textContent = detail.state;
  document.getElementById("text").textContent = detail.text;
});
client.addEventListener("output", ({ detail }) => window.outputs.push(detail));
client.addEventListener("message", ({ detail }) => {
  if (detail.type === "send_input") client.setInput(["from elsewhere"]);
});
document.querySelector("button").addEventListener("click", () => client.connect());
</script>
"""
GIVEN = "window.outputs.find(({ inputs }) => inputs)?.inputs[0]"
ALL_GIVEN = "window.outputs.filter(({ inputs }) => inputs).length === 2"


def open_elsewhere(open_page, server, tickets: list[str]) -> Page:
    page = open_page("/")
    page.goto(f"http://localhost:{server.port}/")
    page.goto(f"http://localhost:{server.port}/scratch/?{urlencode({'body': BODY % json.dumps(tickets)})}")
    page.get_by_role("button", name="Talk").click()
    return page


def test_with_a_ticket_for_each_session_all_of_it_works(open_page, server):
    page = open_elsewhere(open_page, server, [make_ticket("asking") for _ in range(2)])
    assert wait_until(page, GIVEN) == "from elsewhere"
    wait_until(page, ALL_GIVEN)  # else the second is on its way when the call is over
    page.evaluate("window.client.stop()")
    expect(page.locator("#text")).to_have_text("You ended the call.")
    page.get_by_role("button", name="Talk").click()
    expect(page.locator("#state")).to_have_text("listening")
    assert page.problems == []


def test_without_one_it_is_told_why_not(open_page, server):
    page = open_elsewhere(open_page, server, [])
    expect(page.locator("#state")).to_have_text("ended")
    expect(page.locator("#text")).to_have_text("This page is not allowed to call this server.")


def test_a_ticket_is_good_for_one_session(open_page, server):
    ticket = make_ticket("asking")
    page = open_elsewhere(open_page, server, [ticket, ticket])
    wait_until(page, GIVEN)
    page.evaluate("window.client.stop()")
    expect(page.locator("#text")).to_have_text("You ended the call.")
    page.get_by_role("button", name="Talk").click()
    expect(page.locator("#text")).to_have_text("This page has been used for a call already. Load it again.")
