"""What our page does with requests for input, against a server that the test plays."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.calling import connect, state
from tests.browser.peer import Peer

pytestmark = pytest.mark.live

BLOCKED = "Failed to load resource"  # how the browser's console tells of a status that is an error


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


ADD_FIELD = """(kind) => {
    const field = document.createElement(kind);
    field.id = "own";
    if (kind === "div") field.contentEditable = "true";
    document.querySelector("main").append(field);
    field.focus();
}"""
ANNOUNCED = "[data-part=announcement]"


@pytest.mark.parametrize("kind", ["input", "textarea", "select", "div"])
def test_being_asked_does_not_take_the_focus_from_what_is_being_filled_in(page, kind):
    peer = Peer(page)
    peer.send_started()
    page.evaluate(ADD_FIELD, kind)
    expect(page.locator("#own")).to_be_focused()
    peer.send(type="send_input", data=[])
    expect(page.locator(ANNOUNCED)).to_have_text("The stream asks for input")
    expect(field(page)).to_be_visible()
    peer.send(type="log", data="started_talking")
    expect(state(page)).to_have_text("Hearing you")
    expect(page.locator(ANNOUNCED)).to_have_text("The stream asks for input")
    expect(page.locator("#own")).to_be_focused()


def test_a_refusal_does_not_take_the_focus_from_what_is_being_filled_in_meanwhile(open_page):
    page = open_page("/form/")
    connect(page)
    expect(page.locator("[data-part=input]")).to_contain_text("The stream asks for input")
    page.get_by_label("Name").press("Enter")
    page.evaluate(ADD_FIELD, "input")
    expect(page.locator("[data-field=name]")).to_contain_text("This field is required.")
    expect(page.locator("#own")).to_be_focused()


def test_a_send_that_failed_leaves_the_focus_on_its_button(page, asking):
    Hook(page, 503)
    field(page).fill("seven")
    page.get_by_role("button", name="Send").focus()
    page.keyboard.press("Enter")
    expect(problem(page)).to_contain_text("can't be reached")
    expect(page.get_by_role("button", name="Send")).to_be_focused()


def test_an_input_is_not_sent_twice(page, asking):
    bodies = []

    def take(route: Route) -> None:
        bodies.append(route.request.post_data_json)
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        route.fulfill(json={"status": "ok"})

    page.route("**/input_hook", take)
    field(page).fill("seven")
    field(page).press("Enter")
    expect(field(page)).to_be_hidden()
    assert len(bodies) == 1


LOGGED_OUT = "The server did not take the input: perhaps you were logged out."


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 302, "headers": {"Location": "/"}},
        {"status": 200, "content_type": "text/html", "body": "<form>Log in</form>"},
    ],
)
def test_a_login_page_is_no_delivery(page, asking, answer):
    page.route("**/input_hook", lambda route: route.fulfill(**answer))
    field(page).fill("seven")
    field(page).press("Enter")
    expect(problem(page)).to_contain_text(LOGGED_OUT)
    expect(field(page)).to_have_value("seven")
    expect(log(page)).not_to_contain_text("You sent")


@pytest.mark.parametrize("answer", [{"body": "null", "content_type": "application/json"}, {"status": 204}])
def test_any_server_of_a_published_stream_may_take_it(page, asking, answer):
    page.route("**/input_hook", lambda route: route.fulfill(**answer))
    field(page).fill("seven")
    field(page).press("Enter")
    expect(field(page)).to_be_hidden()
    assert page.problems == []


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


def test_a_question_does_not_outlast_its_session(page, asking):
    field(page).fill("seven")
    asking.socket.close(code=1011)
    expect(state(page)).to_have_text("Connecting again…")
    expect(field(page)).to_be_hidden()
    asking.wait_until(lambda: asking.starts[1:])
    asking.send_started()
    expect(state(page)).to_have_text("Listening")
    expect(field(page)).to_be_hidden()
    asking.send(type="send_input", data=[])
    expect(field(page)).to_have_value("seven")


def test_the_streams_own_form_waits_for_the_next_session(open_page):
    page = open_page("/form/")
    form, title = page.locator("[data-part=input]"), page.locator("[data-part=input-title]")
    peer = Peer(page)
    peer.send_started()
    expect(title).to_have_text("Inputs")
    peer.send(type="send_input", data=[])
    expect(title).to_have_text("The stream asks for input")
    peer.socket.close(code=1011)
    expect(form).to_be_hidden()
    peer.wait_until(lambda: peer.starts[1:])
    peer.send_started()
    expect(title).to_have_text("Inputs")
