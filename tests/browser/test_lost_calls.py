"""How the client gets a call back, and when it does not try, against a server that the test plays."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.peer import CLIENT, Peer
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

ONLINE = """(online) => {
    Object.defineProperty(navigator, "onLine", { value: online, configurable: true });
    window.dispatchEvent(new Event(online ? "online" : "offline"));
}"""
ATTEMPTS = 10  # of the client, to get a lost call back


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/default/")


def close_abnormally(peer: Peer) -> None:
    peer.socket.close(code=1011)


def come_again(peer: Peer) -> None:
    peer.send(type="end", data={"reason": "draining"})
    peer.socket.close(code=4503)


@pytest.mark.parametrize(
    ("lose", "text"),
    [
        (close_abnormally, "The connection was lost. Trying again in 1 s (attempt 1)."),
        (come_again, "The server is restarting. Trying again in 1 s (attempt 1)."),
    ],
)
def test_a_call_that_is_lost_is_begun_anew(page, lose, text):
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    first = peer.start["websocket_id"]
    lose(peer)
    expect(page.locator("[data-part=reason]")).to_have_text(text)
    told = f"Connecting again… {text[: text.index(' Trying')]}"  # not with each attempt anew
    expect(page.locator("[data-part=announcement]")).to_have_text(told)
    expect(page.get_by_role("button", name="Hang up")).to_be_enabled()
    peer.wait_until(lambda: peer.starts[1:])
    assert peer.starts[1]["websocket_id"] != first
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    expect(page.locator("[data-part=log]")).to_contain_text("Connected again.")
    heard = len(peer.audio)
    peer.wait_until(lambda: peer.audio[heard:])
    assert page.problems == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("concurrency_limit_reached", "All lines are busy."),
        ("user_limit_reached", "You have as many calls open as you may."),
    ],
)
def test_a_call_comes_back_though_the_lost_one_still_holds_its_place(page, reason, words):
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    close_abnormally(peer)
    peer.wait_until(lambda: peer.starts[1:])
    peer.send(status="failed", meta={"error": reason, "limit": 1})
    peer.send(type="end", data={"reason": reason})
    peer.socket.close(code=4429)
    trying = re.compile(rf"{words} Trying again in \d s \(attempt 2\)\.")
    expect(page.locator("[data-part=reason]")).to_have_text(trying)
    expect(page.locator("[data-part=state]")).to_have_text("Connecting again…")
    peer.wait_until(lambda: peer.starts[2:])
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    assert page.problems == []


def test_while_a_call_is_begun_anew_nothing_else_is_shown(page_with_clock):
    page = page_with_clock
    peer = Peer(page)
    peer.send_started()
    peer.wait_for("ping")
    peer.send(event="pong")
    root = page.locator("[data-rtc-client]")
    expect(root).to_have_attribute("data-quality", re.compile("good|fair|poor"))
    page.clock.pause_at(datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 1))
    for attempt in range(1, 5):
        peer.socket.close(code=1011)
        expect(page.locator("[data-part=reason]")).to_contain_text(f"(attempt {attempt})")
        if attempt < 4:
            page.clock.run_for(8000)
            peer.wait_until(lambda attempt=attempt: peer.starts[attempt:])
    expect(page.locator("[data-part=state]")).to_have_text("Connecting again…")
    seconds = countdown(page)
    page.clock.run_for(1000)
    assert countdown(page) == seconds - 1
    page.wait_for_timeout(300)  # the sound goes on, and would be shown
    expect(root).to_have_attribute("data-quality", "")
    for name in ("quality", "latency", "buffer", "gaps"):
        expect(page.locator(f"[data-part={name}]")).to_have_text("–")
    expect(page.locator("[data-part=meter-in]")).to_have_attribute("aria-valuenow", "0")


def countdown(page: Page) -> int:
    words = "The server can't be reached. Look at your network connection. Trying again in"
    text = page.locator("[data-part=reason]").inner_text()
    return int(re.fullmatch(rf"{words} (\d+) s \(attempt 4\)\.", text)[1])


def test_it_gives_up_in_the_end_and_says_so(page_with_clock):
    page = page_with_clock
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    for attempt in range(1, ATTEMPTS + 1):
        peer.socket.close(code=1011)
        expect(page.locator("[data-part=reason]")).to_contain_text(f"(attempt {attempt})")
        page.clock.fast_forward(20_000)
        peer.wait_until(lambda attempt=attempt: peer.starts[attempt:])
    peer.socket.close(code=1011)
    expect(page.locator("[data-part=state]")).to_have_text("Connection lost")
    expect(page.get_by_role("button", name="Connect again")).to_be_enabled()


def test_hanging_up_ends_the_attempts(page_with_clock):
    page = page_with_clock
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    page.clock.pause_at(datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 1))  # it waits until hung up
    peer.socket.close(code=1011)
    expect(page.locator("[data-part=state]")).to_have_text("Connecting again…")
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("[data-part=state]")).to_have_text("Call ended")
    page.clock.fast_forward(20_000)
    page.clock.resume()
    page.wait_for_timeout(100)  # a call would begin at once
    assert len(peer.starts) == 1


def test_a_device_that_is_offline_waits_until_it_is_online(page_with_clock):
    page = page_with_clock
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    page.evaluate(ONLINE, False)
    peer.socket.close(code=1011)
    why = page.locator("[data-part=reason]")
    expect(why).to_have_text("This device is offline. Look at its network connection. Trying again in 1 s (attempt 1).")
    for _ in range(ATTEMPTS * 2):
        page.clock.fast_forward(20_000)
    expect(page.locator("[data-part=state]")).to_have_text("Connecting again…")
    assert len(peer.starts) == 1
    page.evaluate(ONLINE, True)
    peer.wait_until(lambda: peer.starts[1:])
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    assert page.problems == []


def test_a_call_made_while_hanging_up_waits_for_that(page):
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    page.evaluate(f"() => {{ {CLIENT}.stop(); {CLIENT}.connect().then(() => (window.stands = true)); }}")
    peer.wait_for("stop")
    assert len(peer.starts) == 1
    peer.send(type="end", data={"reason": "client_stop"})
    peer.socket.close(code=1000)
    peer.wait_until(lambda: peer.starts[1:])
    assert page.evaluate("window.stands") is None
    peer.send_started()
    wait_until(page, "window.stands")
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    assert page.problems == []


def test_who_hangs_up_last_is_not_called_again(page):
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    page.evaluate(f"() => {{ {CLIENT}.stop(); {CLIENT}.connect(); {CLIENT}.stop(); }}")
    peer.wait_for("stop")
    peer.send(type="end", data={"reason": "draining"})
    peer.socket.close(code=4503)  # an end that would be worth another call
    expect(page.locator("[data-part=state]")).to_have_text("Call ended")
    page.wait_for_timeout(1000)
    assert len(peer.starts) == 1
    assert page.problems == []


def test_a_second_connect_promises_the_same_call(page):
    peer = Peer(page)
    page.evaluate(f"() => {{ {CLIENT}.connect().then(() => (window.stands = true)); }}")
    page.wait_for_timeout(100)
    assert page.evaluate("window.stands") is None
    peer.send_started()
    wait_until(page, "window.stands")
    assert len(peer.starts) == 1


def test_a_server_that_is_away_from_the_start_is_not_asked_again(page):
    page.route_web_socket("**/websocket/offer", lambda socket: socket.close(code=1011))
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("[data-part=state]")).to_have_text("Not connected")
    expect(page.locator("[data-part=reason]")).to_contain_text("The server can't be reached.")
    expect(page.locator("[data-rtc-client]")).to_have_attribute("data-failed", "")
