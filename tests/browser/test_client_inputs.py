"""What our page shows of outputs and does with requests for input, against a server that the test plays."""

import json

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_client_protocol import Peer
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

RETRY_MS = 50
RETRIES_MS = 1000
REFUSED = ""
RETRIES = 5  # of the page, after answers that are errors
BLOCKED = "Failed to load resource"  # how the browser's console tells of a status that is an error


READER = "document.querySelector('[data-rtc-client]').rtcClient.outputs"


class Hook:
    """Answers the page's inputs: with `status` and `answer`, or, when the status is 0, not at all."""

    def __init__(self, page: Page, status: int, answer: dict | None = None) -> None:
        self.status = status
        self.answer = answer
        self.bodies: list[dict] = []
        page.route("**/input_hook", self._take)

    def _take(self, route: Route) -> None:
        self.bodies.append(route.request.post_data_json)
        if self.status:
            route.fulfill(status=self.status, json=self.answer)
        else:
            route.abort()


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


def log(page: Page):
    return page.locator("[data-part=log]")


def field(page: Page):
    return page.get_by_label("The stream asks for input")


def problem(page: Page):
    return page.locator("[data-part=input-problem]")


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/default/")


@pytest.fixture
def asking(page) -> Peer:
    peer = Peer(page)
    peer.send_started()
    expect(field(page)).to_be_hidden()
    peer.send(type="send_input", data=[])
    expect(field(page)).to_be_focused()
    return peer


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


def test_input_without_an_address_is_an_error_of_the_page(page, asking):
    hook = Hook(page, 200, {"status": "ok"})
    client = "document.querySelector('[data-rtc-client]').rtcClient"
    page.evaluate(f"() => {{ {client}.inputURL = null; }}")
    message = page.evaluate(f"{client}.setInput([1]).catch(({{ message }}) => message)")
    assert message == "setInput() needs the option inputURL."
    assert hook.bodies == []


@pytest.mark.parametrize("send", ["Enter", "button"])
def test_input_is_sent(page, asking, send):
    hook = Hook(page, 200, {"status": "ok"})
    field(page).fill("two words")
    if send == "Enter":
        field(page).press("Enter")
    else:
        page.get_by_role("button", name="Send").click()
    expect(field(page)).to_be_hidden()
    assert hook.bodies == [{"webrtc_id": asking.start["websocket_id"], "inputs": ["two words"]}]
    expect(log(page)).to_contain_text("You sent: two words")
    asking.send(type="send_input", data=[])
    expect(field(page)).to_have_value("")
    assert page.problems == []


@pytest.mark.parametrize(
    ("status", "answer", "text"),
    [
        (409, {"error": "not_taking_input"}, "The stream takes no input just now. Try again in a moment."),
        (413, {"error": "too_big"}, "This is too long. Make it shorter."),
        (503, None, "The server that has this call can't be reached. Try again in a moment."),
        (400, {"errors": {"count": [{"message": "Enter a whole number."}]}}, "Enter a whole number."),
        (418, None, "The input could not be sent (418)."),
        (0, None, "The server can't be reached. Look at your network connection, then try again."),
    ],
)
def test_input_that_was_not_taken_is_explained_and_can_be_sent_again(page, asking, status, answer, text):
    hook = Hook(page, status, answer)
    field(page).fill("seven")
    field(page).press("Enter")
    expect(problem(page)).to_have_text(text)
    expect(field(page)).to_have_value("seven")
    hook.status, hook.answer = 200, {"status": "ok"}
    field(page).press("Enter")
    expect(field(page)).to_be_hidden()
    assert [body["inputs"] for body in hook.bodies] == [["seven"], ["seven"]]
    assert all(BLOCKED in line for line in page.problems)


def test_a_second_request_that_comes_before_the_answer_is_not_lost(page, asking):
    def take(route: Route) -> None:
        asking.send(type="send_input", data=[])
        page.evaluate("0")  # once it answers, the page has the message
        route.fulfill(json={"status": "ok"})

    page.route("**/input_hook", take)
    field(page).fill("one")
    field(page).press("Enter")
    expect(field(page)).to_have_value("")
    expect(log(page).get_by_text("The stream asks for input")).to_have_count(2)
    expect(field(page)).to_be_visible()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "error", "code": "input_timeout", "message": "No input came within 9 s."},
        {"type": "end", "data": {"reason": "done"}},
    ],
)
def test_nothing_is_asked_any_more_once_it_is_too_late(page, asking, message):
    asking.send(**message)
    if message["type"] == "end":
        asking.socket.close(code=1000)
    expect(field(page)).to_be_hidden()
