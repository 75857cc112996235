"""What the client answers, against a server that the test plays."""

import base64
import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.peer import CLIENT, FRAME, FRAME_S, SAMPLE_RATE, Peer
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live


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
