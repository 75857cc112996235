"""Widgets on a project's own page, under its own policy; forms; and what assistive technology makes of the pages."""

import json
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

AXE = (Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js").read_text
AUDIT = """async () => (await axe.run()).violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ target, failureSummary }) => target + " " + failureSummary).join("; ")}`)"""
INLINE = '<script>window.ran = 1</script><p id="styled" style="color: red" onclick="window.ran = 1">Click</p></body>'
TALK = [
    {"role": "user", "content": "What notes do I have?"},
    {"role": "assistant", "content": "One: buy a green lamp."},
]


def add_inline(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, body=response.text().replace("</body>", INLINE))


def widgets(page: Page) -> tuple[Locator, Locator]:
    found = page.locator("[data-rtc-client]")
    return found.nth(0), found.nth(1)


def test_two_widgets_of_one_page_call_side_by_side(open_page):
    page = open_page("/shop/")
    talk, song = widgets(page)
    for widget, text in ((talk, "The stream is speaking"), (song, "Playing")):
        widget.get_by_role("button", name="Connect").click()
        expect(widget.locator("[data-part=state]")).to_have_text(text)
    talk.get_by_role("button", name="Hang up").click()
    expect(talk.locator("[data-part=state]")).to_have_text("Call ended")
    expect(song.locator("[data-part=state]")).to_have_text("Playing")
    assert page.problems == []


SCRIPTS = """() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname)
    .filter((path) => path.endsWith(".js") && path !== "/static/rtc/widget.js").sort()"""
HINTS = """() => [...document.querySelectorAll("link[rel=modulepreload]")]
    .map(({ href }) => new URL(href).pathname).sort()"""
BARE = "/scratch/?body=" + quote('<p data-rtc-client></p><script type="module" src="/static/rtc/widget.js"></script>')
MOUNTED = "Boolean(document.querySelector('[data-rtc-client]').rtcClient)"


def test_all_modules_are_asked_for_at_once_and_none_twice(open_page):
    bare = open_page(BARE)
    wait_until(bare, MOUNTED)
    imported = bare.evaluate(SCRIPTS)
    for path in ("/default/", "/shop/"):
        page = open_page(path)
        wait_until(page, MOUNTED)
        assert page.evaluate(HINTS) == page.evaluate(SCRIPTS) == imported
        assert page.problems == []


def test_a_widget_of_which_only_the_buttons_are_left_still_works(open_page):
    page = open_page("/bare/")
    client = "document.querySelector('[data-rtc-client]').rtcClient"
    page.evaluate(f"window.asked = 0; {client}.addEventListener('message', () => window.asked += 1)")
    page.get_by_role("button", name="Connect").click()
    wait_until(page, "window.asked > 0")
    page.evaluate(f"{client}.emit('output', {json.dumps(TALK)})")
    page.get_by_role("button", name="Mute").click()
    wait_until(page, f"{client}.state === 'muted'")
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("button", name="Connect again")).to_be_enabled()
    assert page.problems == []


def test_no_other_host_is_asked(open_page, server):
    for path in ("/default/", "/shop/"):
        page = open_page(path)
        hosts = set()
        page.on("request", lambda request, hosts=hosts: hosts.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda socket, hosts=hosts: hosts.add(urlsplit(socket.url).netloc))
        page.reload()
        page.get_by_role("button", name="Connect").first.click()
        expect(page.locator("[data-part=state]").first).to_have_text("The stream is speaking")
        assert hosts == {f"127.0.0.1:{server.port}"}
        assert page.problems == []


def test_nothing_inline_runs(open_page):
    for path in ("/default/", "/shop/"):
        page = open_page(path)
        page.route("**" + path, add_inline)
        page.reload()
        page.get_by_text("Click").click()
        assert page.evaluate("window.ran") is None
        assert page.evaluate("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
        wait_until(page, lambda page=page: len(page.problems) == 3)
        assert all("Content Security Policy" in problem for problem in page.problems)


def enter(number: Locator, text: str) -> None:
    """`fill` only adds to what is in a field for numbers, in Firefox."""
    number.press("ControlOrMeta+a")
    number.press_sequentially(text)


def test_a_form_is_filled_in_and_what_is_wrong_stands_beside_its_field(open_page):
    page = open_page("/form/")
    form = page.locator("[data-part=input]")
    expect(form).to_be_hidden()
    page.get_by_role("button", name="Connect").click()
    expect(form).to_contain_text("The stream asks for input")
    expect(form.get_by_label("Name")).to_be_focused()
    enter(form.get_by_label("Nights"), "40")
    form.get_by_role("button", name="Send").click()
    expect(form.locator("[data-field=nights]")).to_contain_text("less than or equal to 14.")
    expect(form.locator("[data-field=name]")).to_contain_text("This field is required.")
    expect(form.get_by_label("Name")).to_be_focused()
    expect(form.get_by_label("Name")).to_have_accessible_description("This field is required.")
    form.get_by_label("Name").fill("Ada")
    enter(form.get_by_label("Nights"), "3")
    form.get_by_label("Room", exact=True).select_option("street")
    form.get_by_label("Parking").check()
    form.get_by_label("Smoking room").check()
    form.get_by_role("button", name="Send").click()
    booked = page.locator("[data-part=log] .rtc-line-output span")
    expect(booked).to_have_text(["booked: [Ada, 3, street, [parking], true]"])
    page.problems.clear()  # the browser tells of the answer 400


@pytest.mark.parametrize(
    ("ticked", "text"), [(["Garden", "By post"], "booked: [[garden], [post]]"), ([], "booked: [[], []]")]
)
def test_of_a_list_with_one_choice_a_list_is_sent(open_page, ticked, text):
    page = open_page("/letters/")
    page.get_by_role("button", name="Connect").click()
    form = page.locator("[data-part=input]")
    expect(form).to_contain_text("The stream asks for input")
    if ticked:
        form.get_by_label("Garden").check()
        form.get_by_label("Ways").select_option(label="By post")
    form.get_by_role("button", name="Send").click()
    expect(page.locator("[data-part=log] .rtc-line-output span")).to_have_text([text])
    assert page.problems == []


LOUD = """<style>
    h2, label, button { text-transform: uppercase; letter-spacing: 0.3em; color: navy }
    p, dt { color: maroon }
    button:hover { background: black; color: yellow }
</style><main style="text-align: center">"""
ASSETS = "<link rel=stylesheet href=/static/rtc/widget.css><script type=module src=/static/rtc/widget.js></script>"
LOOKS = """() => [...document.querySelectorAll("[data-rtc-client] :is(h2, p, dt, label, button)")].map((element) => {
    const { color, backgroundColor, letterSpacing, textTransform, textAlign } = getComputedStyle(element);
    const { tagName, textContent } = element;
    return [tagName, textContent, color, backgroundColor, letterSpacing, textTransform, textAlign].join();
})"""


def scratch_with_a_widget(open_page, head: str, **options) -> Page:
    widget = open_page("/shop/", **options).locator("[data-rtc-client]").first
    html = widget.evaluate(
        "async (widget) => (await (await fetch(location)).text()).match(/<div class=.rtc [^]*?<.noscript>/)[0]"
    )
    page = open_page(f"/scratch/?body={quote(head + ASSETS + html)}", **options)
    wait_until(page, MOUNTED)
    return page


def test_what_a_page_says_of_all_its_elements_does_not_change_the_widget(open_page):
    plain = scratch_with_a_widget(open_page, "")
    loud = scratch_with_a_widget(open_page, LOUD)
    for page in (plain, loud):
        page.get_by_role("button", name="Connect").hover()
        page.wait_for_function("document.querySelector('[data-part=connect]').matches(':hover')")
    assert loud.evaluate(LOOKS) == plain.evaluate(LOOKS)


CARD = "getComputedStyle(document.querySelector('.rtc-call')).backgroundColor"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_widget_is_dark_where_its_page_is(open_page, scheme):
    light, dark = "rgb(255, 255, 255)", "rgb(22, 30, 29)"
    shown = {"": light, "light dark": dark if scheme == "dark" else light, "dark": dark, "only light": light}
    for declared, background in shown.items():
        said = [f"<style>:root {{ color-scheme: {declared or 'normal'} }}</style>"]
        if declared:
            said.append(f'<meta name="color-scheme" content="{declared}">')
        for head in said:
            page = scratch_with_a_widget(open_page, head, color_scheme=scheme)
            assert page.evaluate(CARD) == background, head


def test_what_stands_round_the_widget_keeps_a_line_away(open_page):
    page = scratch_with_a_widget(open_page, "<style>p { margin: 0 }</style>")
    page.evaluate("document.querySelector('[data-rtc-client]').insertAdjacentHTML('afterend', '<p>Our hours</p>')")
    widget, text = page.locator("[data-rtc-client]").bounding_box(), page.get_by_text("Our hours").bounding_box()
    assert text["y"] - (widget["y"] + widget["height"]) == 16


def test_colours_that_the_page_sets_before_count(open_page):
    page = scratch_with_a_widget(open_page, "<style>.rtc { --rtc-card: rgb(1, 2, 3) }</style>")
    assert page.evaluate(CARD) == "rgb(1, 2, 3)"


def start_axe(page: Page) -> None:
    page.evaluate(AXE())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_of_accessibility_finds_nothing(open_page, scheme):
    for path in ("/", "/default/docs", "/shop/"):
        page = open_page(path, color_scheme=scheme, viewport={"width": 360, "height": 760})
        start_axe(page)
        assert page.evaluate(AUDIT) == [], path
    page = open_page("/form/", color_scheme=scheme)
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("[data-part=input]")).to_contain_text("The stream asks for input")
    page.get_by_text("Sound settings").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[aria-invalid]")).not_to_have_count(0)
    page.evaluate(f"document.querySelector('[data-rtc-client]').rtcClient.emit('output', {json.dumps(TALK)})")
    page.get_by_role("button", name="Mute").click()
    start_axe(page)
    assert page.evaluate(AUDIT) == []


def test_a_call_is_made_with_the_keyboard_alone(open_page):
    page = open_page("/default/")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.part") == "connect":
            break
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=state]")).to_have_text("The stream is speaking")
    expect(page.locator("[data-part=announcement]")).to_have_text("Connected")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Unmute")).to_be_focused()
    expect(page.locator("[data-part=announcement]")).to_have_text("Your microphone is muted")
    assert page.problems == []
