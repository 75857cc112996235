"""What the client answers, against a server that the test plays."""

import json
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

SAMPLE_RATE = 24000
FRAME = bytes(range(240)) * 2  # 20 ms of mu-law at SAMPLE_RATE
FRAME_S = 0.02


class Peer:
    """The server's side of one call; `received` holds the JSON, `audio` the binary frames."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.received: list[dict] = []
        self.audio: list[bytes] = []
        page.route_web_socket("**/websocket/offer", self._accept)
        page.get_by_role("button", name="Connect").click()
        self.start = self.wait_for("start")

    def _accept(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._take)

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.audio.append(message)
        else:
            self.received.append(json.loads(message))

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
    frame_count = 200
    for _ in range(frame_count):
        peer.socket.send(FRAME)
    sent_at = time.monotonic()
    peer.send(event="mark", mark={"name": "dropped"})
    peer.send(event="clear")
    peer.wait_for("mark")
    assert time.monotonic() - sent_at < frame_count * FRAME_S / 2
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    assert page.problems == []


def test_a_lost_connection_is_told_from_an_ended_call(page):
    peer = Peer(page)
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    peer.socket.close(code=1011)
    expect(page.locator("[data-part=state]")).to_have_text("Connection lost")
    expect(page.locator("[data-part=reason]")).to_have_text("The connection was lost.")


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
    expect(page.locator("[data-part=state]")).to_have_text("Call ended")
    expect(page.locator("[data-part=reason]")).to_have_text(text)


def test_messages_are_shown(page):
    peer = Peer(page)
    peer.send_started()
    peer.send(type="warning", data="Low on paper", message="Low on paper")
    peer.send(type="log", data="pause_detected")
    log = page.locator("[data-part=log]")
    expect(log).to_contain_text("Low on paper")
    expect(log).to_contain_text("You paused")
    assert page.problems == []
