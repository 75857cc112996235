"""What the client answers, against a server that the test plays."""

import base64
import json
import re
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

SAMPLE_RATE = 24000
FRAME = bytes(range(240)) * 2  # 20 ms of mu-law at SAMPLE_RATE
FRAME_S = 0.02
CLIENT = "document.querySelector('[data-rtc-client]').rtcClient"
ONLINE = """(online) => {
    Object.defineProperty(navigator, "onLine", { value: online, configurable: true });
    window.dispatchEvent(new Event(online ? "online" : "offline"));
}"""
ATTEMPTS = 10  # of the client, to get a lost call back


class Peer:
    """The server's side of one call; `received` holds the JSON, `audio` the binary frames."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.received: list[dict] = []
        self.starts: list[dict] = []
        self.audio: list[bytes] = []
        page.route_web_socket("**/websocket/offer", self._accept)
        page.get_by_role("button", name="Connect").click()
        self.wait_for("start")

    def _accept(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._take)

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.audio.append(message)
        else:
            self.received.append(json.loads(message))
            if self.received[-1]["event"] == "start":
                self.start = self.received[-1]
                self.starts.append(self.start)

    def send(self, **message) -> None:
        self.socket.send(json.dumps(message))

    def send_started(self) -> None:
        media_format = self.start["media_format"]
        self.send(
            event="started", session_id=self.start["websocket_id"], media_format=media_format, output=media_format
        )

    def wait_for(self, event: str) -> dict:
        return self.wait_until(lambda: [message for message in self.received if message["event"] == event])[0]

    def wait_until(self, condition: Callable[[], list]) -> list:
        return wait_until(self._page, condition)


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/default/")


def test_it_declares_binary_mulaw_and_waits_for_started(page):
    peer = Peer(page)
    assert peer.start["media_format"] == {"encoding": "mulaw", "sample_rate": SAMPLE_RATE, "framing": "binary"}
    assert len(peer.start["websocket_id"]) == 32
    expect(page.locator("[data-part=state]")).to_have_text("Connecting…")
    assert peer.audio == []
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    peer.wait_for("ping")
    assert {len(payload) for payload in peer.wait_until(lambda: peer.audio)} == {len(FRAME)}
    assert page.problems == []


def test_a_mark_is_answered_once_what_came_before_it_was_played(page):
    peer = Peer(page)
    peer.send_started()
    frame_count = 25
    sent_at = time.monotonic()
    for _ in range(frame_count):
        peer.socket.send(FRAME)
    peer.send(event="mark", mark={"name": "heard"})
    assert peer.wait_for("mark") == {"event": "mark", "mark": {"name": "heard"}}
    assert time.monotonic() - sent_at > frame_count * FRAME_S
    assert page.problems == []


def test_clear_drops_the_audio_and_answers_its_marks(page):
    peer = Peer(page)
    peer.send_started()
    frame_count = 200  # the client keeps a second more
    for _ in range(frame_count // 20):
        peer.socket.send(FRAME * 20)
    sent_at = time.monotonic()
    peer.send(event="mark", mark={"name": "dropped"})
    peer.send(event="clear")
    peer.wait_for("mark")
    assert time.monotonic() - sent_at < frame_count * FRAME_S / 2
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    assert page.problems == []


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


def test_an_old_server_gets_the_published_wire(page):
    peer = Peer(page)
    peer.send(event="pong")
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    media = peer.wait_for("media")
    payload = base64.b64decode(media["media"]["payload"])
    assert len(payload) == 0.04 * 48000  # at the rate of the handler, which such a server takes for granted
    peer.send(event="media", media={"payload": base64.b64encode(FRAME * 30).decode()})
    expect(page.locator("[data-part=state]")).to_have_text("The stream is speaking")
    page.get_by_role("button", name="Hang up").click()
    peer.wait_for("stop")
    expect(page.locator("[data-part=reason]")).to_have_text("You ended the call.")
    assert peer.audio == []
    assert page.problems == []


def test_what_an_old_server_sends_ahead_is_kept_until_it_is_cleared(page):
    listen = "addEventListener('buffer', ({ detail }) => (window.report = detail))"
    page.evaluate(f"() => {{ {CLIENT}.{listen}; }}")
    peer = Peer(page)
    second = base64.b64encode(FRAME * 50).decode()
    for _ in range(20):
        peer.send(event="media", media={"payload": second})
    expect(page.locator("[data-part=state]")).to_have_text("The stream is speaking")
    wait_until(page, "window.report?.depthMs > 17_000")
    assert page.evaluate("window.report.dropped") == 0
    page.get_by_role("button", name="Interrupt").click()
    wait_until(page, "window.report.depthMs === 0")
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    assert page.problems == []


def test_a_slow_server_that_was_taken_for_an_old_one_is_found_out(page):
    peer = Peer(page)
    peer.send(event="media", media={"payload": base64.b64encode(FRAME).decode()})
    peer.wait_for("media")
    peer.send_started()
    assert {len(payload) for payload in peer.wait_until(lambda: peer.audio)} == {len(FRAME)}
    assert page.problems == []


def test_interrupting_silences_at_once_and_tells_the_server(page):
    peer = Peer(page)
    peer.send_started()
    for _ in range(150):
        peer.socket.send(FRAME)
    expect(page.locator("[data-part=state]")).to_have_text("The stream is speaking")
    page.get_by_role("button", name="Interrupt").click()
    peer.wait_for("clear")
    expect(page.locator("[data-part=state]")).to_have_text("Listening", timeout=1500)
    assert page.problems == []


def test_turns_are_shown_as_states_with_the_time_to_the_answer(page):
    peer = Peer(page)
    peer.send_started()
    state = page.locator("[data-part=state]")
    peer.send(type="log", data="started_talking")
    expect(state).to_have_text("Hearing you")
    peer.send(type="log", data="pause_detected")
    expect(state).to_have_text("Thinking…")
    peer.send(type="log", data="response_starting")
    for _ in range(25):
        peer.socket.send(FRAME)
    expect(state).to_have_text("The stream is speaking")
    expect(page.locator("[data-part=reply]")).to_have_text(re.compile(r"^\d+\.\d s$"))
    expect(state).to_have_text("Listening")
    assert page.problems == []


def test_a_stream_that_is_not_heard_goes_on_to_listen(page):
    page.evaluate("document.querySelector('[data-rtc-client]').rtcClient.sendsAudio = false")
    peer = Peer(page)
    peer.send_started()
    state = page.locator("[data-part=state]")
    peer.send(type="log", data="started_talking")
    expect(state).to_have_text("Hearing you")
    peer.send(type="log", data="pause_detected")
    expect(state).to_have_text("Listening")
    assert page.problems == []


@pytest.mark.parametrize(
    ("messages", "close_code", "text"),
    [
        (
            [{"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 1}}],
            4429,
            "All lines are busy. Try again in a moment.",
        ),
        ([{"type": "end", "data": {"reason": "time_limit"}}], 1000, "The call reached its time limit."),
        ([{"type": "end", "data": {"reason": "closed", "message": "we close at five"}}], 1000, "We close at five."),
        ([], 4401, "You have to log in first."),
    ],
)
def test_the_end_is_explained(page, messages, close_code, text):
    peer = Peer(page)
    for message in messages:
        peer.send(**message)
    peer.socket.close(code=close_code)
    expect(page.locator("[data-part=state]")).to_have_text("Not connected")
    expect(page.locator("[data-part=reason]")).to_have_text(text)


@pytest.mark.parametrize(("close_code", "failed"), [(1000, False), (4408, False), (4500, True)])
def test_an_end_that_is_a_failure_looks_like_one(page, close_code, failed):
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    peer.socket.close(code=close_code)
    expect(page.locator("[data-part=state]")).to_have_text("Call ended")
    expect(page.locator("[data-rtc-client][data-failed]")).to_have_count(int(failed))


def test_messages_are_shown(page):
    peer = Peer(page)
    peer.send_started()
    peer.send(type="warning", data="Low on paper", message="Low on paper")
    peer.send(type="log", data="pause_detected")
    log = page.locator("[data-part=log]")
    expect(log).to_contain_text("Low on paper")
    expect(log).to_contain_text("You paused")
    expect(page.locator("[data-part=reason]")).to_have_text("")
    assert page.problems == []


@pytest.mark.parametrize("kind", ["warning", "error"])
def test_warnings_and_errors_are_read_out_and_seen_without_the_log_too(page, kind):
    page.evaluate("document.querySelector('.rtc-activity').remove()")  # as a project's template may
    peer = Peer(page)
    peer.send_started()
    announcement, why = (page.locator(f"[data-part={part}]") for part in ("announcement", "reason"))
    expect(announcement).to_have_text("Connected")
    peer.send(type=kind, data="Low on paper", message="Low on paper")
    expect(announcement).to_have_text("Low on paper")
    peer.send(type="log", data="started_talking")
    expect(page.locator("[data-part=state]")).to_have_text("Hearing you")
    expect(announcement).to_have_text("Low on paper")
    expect(why).to_have_text("Low on paper")
    page.get_by_role("button", name="Hang up").click()
    expect(why).to_have_text("You ended the call.")
    page.get_by_role("button", name="Connect again").click()
    expect(why).to_have_text("")
    assert page.problems == []
