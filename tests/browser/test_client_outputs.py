"""What our page shows of outputs, against a server that the test plays."""

import json

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.peer import Peer
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

RETRY_MS = 50
RETRIES_MS = 1000
REFUSED = ""
RETRIES = 5  # of the page, after answers that are errors
READER = "document.querySelector('[data-rtc-client]').rtcClient.outputs"


class Events:
    """Answers `/outputs`, one text after another, with 502 for None; then with 403 and so for good."""

    def __init__(self, page: Page, *texts: str | None, retry_ms: int = RETRY_MS) -> None:
        self.requests: list[str] = []
        self._retry_ms = retry_ms
        self._texts = iter(texts)
        page.route("**/outputs?*", self._take)

    def _take(self, route: Route) -> None:
        self.requests.append(route.request.url)
        text = next(self._texts, REFUSED)
        if text is REFUSED:
            route.fulfill(status=403)
        elif text is None:
            route.fulfill(status=502)
        else:
            route.fulfill(content_type="text/event-stream", body=f"retry: {self._retry_ms}\n\n{text}")


HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def event(kind: str, value, position: int) -> str:
    return f"event: {kind}\nid: rtc-7:{position}\ndata: {json.dumps(value)}\n\n"


def log(page: Page) -> Locator:
    return page.locator("[data-part=log]")


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/default/")


def test_outputs_are_shown_until_the_end_as_words(page):
    events = Events(
        page,
        event("output", {"text": "<b>good</b> morning", "words": 2}, 1),
        event("output", [1, "two"], 2) + event("output", "w" * 1000, 3) + event("end", {"reason": "done"}, 4),
    )
    peer = Peer(page)
    peer.send_started()
    expect(log(page).locator(".rtc-line-output")).to_have_count(3)
    shown = log(page).locator(".rtc-line-output span").all_inner_texts()
    assert shown[2] == "text: <b>good</b> morning\nwords: 2"
    assert shown[1] == "1, two"
    assert shown[0] == "w" * 200 + "…"
    page.wait_for_timeout(RETRIES_MS)
    assert len(events.requests) == 2
    assert all(url.endswith(f"webrtc_id={peer.start['websocket_id']}") for url in events.requests)
    assert page.problems == []


def test_after_an_error_it_reads_anew_and_shows_nothing_twice(page):
    first = event("output", "one", 1)
    events = Events(page, first, None, first + event("output", "two", 2) + event("end", {}, 3))
    Peer(page).send_started()
    expect(log(page)).to_contain_text("two")
    assert log(page).locator(".rtc-line-output span").all_inner_texts() == ["two", "one"]
    assert [url.partition("last_event_id=")[2] for url in events.requests] == ["", "", "rtc-7%3A1"]


@pytest.mark.parametrize("wake", ["output", "shown"])
def test_a_hidden_page_lets_go_of_its_stream_until_there_is_need_of_it(page_with_clock, wake):
    page = page_with_clock
    events = Events(page, event("output", "one", 1), event("output", "two", 2) + event("end", {}, 3), retry_ms=600_000)
    peer = Peer(page)
    peer.send_started()
    expect(log(page)).to_contain_text("one")
    page.evaluate(HIDE, True)
    page.clock.fast_forward(6000)
    assert page.evaluate(f"{READER}.source") is None
    if wake == "output":
        peer.send(type="fetch_output", data=[])
    else:
        page.evaluate(HIDE, False)
    expect(log(page)).to_contain_text("two")
    assert [url.partition("last_event_id=")[2] for url in events.requests] == ["", "rtc-7%3A1"]
    assert page.problems == []


def test_outputs_that_are_refused_again_and_again_are_explained(page_with_clock):
    page = page_with_clock
    events = Events(page)
    Peer(page).send_started()
    for count in range(1, RETRIES + 2):
        wait_until(page, lambda count=count: len(events.requests) == count)
        wait_until(page, f"{READER}.failures === {count}")
        page.clock.fast_forward(2000)
    expect(log(page)).to_contain_text("The outputs of this call can't be shown.")
    assert len(events.requests) == RETRIES + 1


def test_a_conversation_is_shown_as_one_and_a_whole_one_takes_the_place_of_its_parts(page):
    talk = [{"role": "user", "content": "<b>hi</b>"}, {"role": "assistant", "content": "yes?"}]
    whole = [*talk, {"role": "user", "content": "bye"}]
    Events(page, *(event("output", output, i) for i, output in enumerate([*talk, whole], 1)), event("end", {}, 4))
    expect(page.locator("[data-part=talk]")).to_be_hidden()
    Peer(page).send_started()
    turns = page.locator("[data-part=conversation] li")
    expect(turns).to_have_count(3)
    assert turns.evaluate_all("turns => turns.map((turn) => turn.dataset.role)") == ["user", "assistant", "user"]
    assert turns.locator(".rtc-message-text").all_inner_texts() == ["<b>hi</b>", "yes?", "bye"]
    expect(log(page).locator(".rtc-line-output")).to_have_count(0)
    assert page.problems == []


SCROLLER = "document.querySelector('[data-part=talk-scroll]')"
FROM_END = f"{SCROLLER}.scrollHeight - {SCROLLER}.clientHeight - {SCROLLER}.scrollTop"


def emit(page: Page, output: object) -> None:
    page.evaluate(f"document.querySelector('[data-rtc-client]').rtcClient.emit('output', {json.dumps(output)})")


def turn(number: int) -> dict[str, str]:
    return {"role": "assistant", "content": f"This is what was said as number {number}. " * 5}


@pytest.mark.parametrize("whole", [False, True])
def test_a_conversation_follows_its_end_but_for_who_reads_back(page, whole):
    page.set_viewport_size({"width": 390, "height": 800})
    said = [turn(number) for number in range(40)]
    if whole:
        emit(page, said)
    else:
        for output in said:
            emit(page, output)
    wait_until(page, f"{FROM_END} < 2")
    page.evaluate(f"{SCROLLER}.scrollTop = 100")
    emit(page, [*said, turn(40)] if whole else turn(40))
    expect(page.locator("[data-part=conversation] li")).to_have_count(41)
    assert page.evaluate(f"{SCROLLER}.scrollTop") == 100
    page.evaluate(f"{SCROLLER}.scrollTop = {SCROLLER}.scrollHeight")
    emit(page, turn(41))
    wait_until(page, f"{FROM_END} < 2")


def test_an_empty_list_clears_a_conversation(page):
    emit(page, [])
    expect(log(page).locator(".rtc-line-output span")).to_have_text(["an empty list"])
    emit(page, [turn(1), turn(2)])
    turns = page.locator("[data-part=conversation] li")
    expect(turns).to_have_count(2)
    emit(page, [])
    expect(turns).to_have_count(0)
    expect(log(page).locator(".rtc-line-output")).to_have_count(1)
    emit(page, turn(3))
    expect(turns).to_have_count(1)
    assert page.problems == []


def test_outputs_that_were_refused_are_asked_for_again_when_there_is_one(page_with_clock):
    page = page_with_clock
    answers = [None] * (RETRIES + 2)
    events = Events(page, *answers, event("output", "at last", 1) + event("end", {}, 2))
    peer = Peer(page)
    peer.send_started()
    for count in range(1, RETRIES + 2):
        wait_until(page, lambda count=count: len(events.requests) == count)
        wait_until(page, f"{READER}.failures === {count}")
        page.clock.fast_forward(2000)
    expect(log(page)).to_contain_text("The outputs of this call can't be shown.")
    peer.send(type="fetch_output", data=[])
    wait_until(page, lambda: len(events.requests) == RETRIES + 2)
    wait_until(page, f"{READER}.failures === 1")
    peer.send(type="fetch_output", data=[])  # while it waits to try again: it does not ask any sooner
    page.clock.fast_forward(2000)
    expect(log(page)).to_contain_text("at last")
    assert len(events.requests) == RETRIES + 3


def test_another_call_shows_nothing_of_the_sessions_before_it(page):
    Events(page, *[":\n\n"] * 9, retry_ms=600_000)
    peer = Peer(page)
    page.evaluate("window.sources = []")
    for _ in range(2):
        peer.send_started()
        expect(page.locator("[data-part=state]")).to_have_text("Listening")
        page.evaluate(f"() => {{ window.sources.push({READER}.source); }}")
        if len(peer.starts) == 1:
            peer.socket.close(code=1011)
            peer.wait_until(lambda: peer.starts[1:])
    page.get_by_role("button", name="Hang up").click()
    peer.socket.close(code=1000)
    page.get_by_role("button", name="Connect again").click()
    peer.wait_until(lambda: peer.starts[2:])
    peer.send_started()
    expect(page.locator("[data-part=state]")).to_have_text("Listening")
    closed = "window.sources.map(({ readyState }) => readyState === EventSource.CLOSED)"
    assert page.evaluate(closed) == [True, True]
