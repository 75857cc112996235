"""Microphones and speakers: chosen, remembered, refused, and gone."""

import pytest
from playwright.sync_api import expect

from tests.browser.calling import connect, reason, state
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

CLIENT = "document.querySelector('[data-rtc-client]').rtcClient"
DEVICE_IN_USE = f"{CLIENT}.sound.stream.getTracks()[0].getSettings().deviceId"


MEDIA = """
    const media = navigator.mediaDevices;
    const ask = media.getUserMedia.bind(media);
"""
SLOW_AT_FIRST = f"""() => {{ {MEDIA}
    window.asked = 0;
    media.getUserMedia = async (constraints) => {{
        const first = window.asked++ === 0;
        if (first) await new Promise((resolve) => setTimeout(resolve, 1000));
        const stream = await ask(constraints);
        if (first) window.late = stream;
        return stream;
    }};
}}"""
ENDING_AT_ONCE = f"""() => {{ {MEDIA}
    window.asked = 0;
    media.getUserMedia = async (constraints) => {{
        window.asked += 1;
        const stream = await ask(constraints);
        setTimeout(() => stream.getTracks()[0].dispatchEvent(new Event("ended")), 5);
        return stream;
    }};
}}"""
REFUSING = """(name) => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", name); };
}"""
END_TRACK = f"{CLIENT}.sound.stream.getTracks()[0].dispatchEvent(new Event('ended'))"


def test_the_microphone_chosen_last_is_used_though_the_one_before_comes_later(page):
    menu = page.get_by_role("combobox", name="Microphone")
    expect(menu.locator("option")).not_to_have_count(1)
    first, last = (menu.locator("option").nth(i).get_attribute("value") for i in (1, 2))
    page.evaluate(SLOW_AT_FIRST)
    menu.select_option(first)
    menu.select_option(last)
    wait_until(page, "Boolean(window.late)")
    page.wait_for_timeout(100)  # what is done with it
    assert page.evaluate(DEVICE_IN_USE) == last
    assert page.evaluate("window.late.getTracks().map(({ readyState }) => readyState)") == ["ended"]
    assert page.evaluate("JSON.parse(localStorage.getItem('rtc.devices')).microphone") == last
    expect(menu).to_have_value(last)
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


def test_a_microphone_that_is_refused_is_not_remembered(page):
    menu = page.get_by_role("combobox", name="Microphone")
    expect(menu.locator("option")).not_to_have_count(1)
    used = page.evaluate(DEVICE_IN_USE)
    page.evaluate(REFUSING, "NotReadableError")
    menu.select_option(menu.locator("option").nth(2).get_attribute("value"))
    expect(page.locator("[data-part=log]")).to_contain_text("The microphone is in use by another program.")
    expect(menu).to_have_value("")
    assert page.evaluate("localStorage.getItem('rtc.devices')") is None
    assert page.evaluate(DEVICE_IN_USE) == used
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


def test_a_microphone_that_ends_at_once_is_not_asked_for_for_ever(page):
    page.evaluate(ENDING_AT_ONCE)
    page.evaluate(END_TRACK)
    expect(state(page)).to_have_text("Call ended")
    expect(reason(page)).to_have_text("The microphone stops again and again. Plug it in anew, then connect again.")
    assert page.evaluate("window.asked") == 3
    assert page.problems == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NotAllowedError", "The microphone is blocked. Allow it in the browser's site settings, then connect again."),
        ("NotFoundError", "The microphone is gone. Plug one in, then connect again."),
    ],
)
def test_a_microphone_that_is_taken_away_ends_the_call_with_why(page, name, text):
    page.evaluate(REFUSING, name)
    page.evaluate(END_TRACK)
    expect(state(page)).to_have_text("Call ended")
    expect(reason(page)).to_have_text(text)
    assert page.problems == []


WITHOUT_SPEAKERS = """() => {
    const media = navigator.mediaDevices;
    const listed = media.enumerateDevices.bind(media);
    media.enumerateDevices = async () => (await listed()).filter(({ kind }) => kind !== "audiooutput");
    media.dispatchEvent(new Event("devicechange"));
}"""


def test_a_speaker_that_is_unplugged_is_replaced(page):
    menu = page.get_by_role("combobox", name="Speaker")
    chosen = menu.locator("option").nth(1).get_attribute("value")
    menu.select_option(chosen)
    wait_until(page, f"{CLIENT}.sound.context.sinkId === {chosen!r}")
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    page.evaluate("navigator.mediaDevices.enumerateDevices()")  # as its listeners have done by then
    assert page.evaluate(f"{CLIENT}.sound.context.sinkId") == chosen
    page.evaluate(WITHOUT_SPEAKERS)
    wait_until(page, f"{CLIENT}.sound.context.sinkId === ''")
    expect(page.locator("[data-part=log]")).to_contain_text("The speaker you chose is not there.")
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


SILENCE = """(silent) => {
    const [track] = document.querySelector("[data-rtc-client]").rtcClient.sound.stream.getTracks();
    Object.defineProperty(track, "muted", { value: silent, configurable: true });
}"""


def test_a_microphone_that_the_device_mutes_is_told_of(page):
    words = "This device has muted the microphone. Unmute it by its own switch, or in the settings."
    page.evaluate(SILENCE, True)
    expect(state(page)).to_have_text("Your microphone is muted")
    expect(reason(page)).to_have_text(words)
    expect(page.locator("[data-part=announcement]")).to_have_text(f"Your microphone is muted. {words}")
    expect(page.locator("[data-part=log]")).to_contain_text(words)
    page.get_by_role("button", name="Mute").click()  # it stays so then, but for another reason
    expect(reason(page)).to_have_text("")
    expect(state(page)).to_have_text("Your microphone is muted")
    page.get_by_role("button", name="Unmute").click()
    expect(reason(page)).to_have_text(words)
    page.evaluate(SILENCE, False)
    expect(state(page)).to_have_text("The stream is speaking")
    expect(reason(page)).to_have_text("")
    assert page.problems == []


KEEP_LOCKS = """() => {
    window.locks = [];
    const { wakeLock } = navigator;
    const request = wakeLock.request.bind(wakeLock);
    wakeLock.request = async (type) => {
        const lock = await request(type);
        window.locks.push(lock);
        return lock;
    };
}"""
HELD = "window.locks.filter(({ released }) => !released).length"


def test_the_screen_stays_on_during_a_call(open_page):
    page = open_page("/default/", permissions=["microphone", "screen-wake-lock"])
    page.evaluate(KEEP_LOCKS)
    connect(page)
    wait_until(page, f"{HELD} === 1")
    page.evaluate("window.locks[0].release()")  # as the browser does when the page is hidden
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(page, f"{HELD} === 1 && window.locks.length === 2")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(page, f"{HELD} === 1 && window.locks.length === 3")
    page.get_by_role("button", name="Hang up").click()
    wait_until(page, f"{HELD} === 0")
    assert page.problems == []


REFUSE_LOCKS = """() => {
    navigator.wakeLock.request = () => Promise.reject(new DOMException("", "NotAllowedError"));
}"""


def test_a_device_that_lets_no_page_keep_its_screen_on_has_its_call(open_page):
    page = open_page("/default/")
    page.evaluate(REFUSE_LOCKS)
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


def test_a_microphone_that_is_unplugged_is_replaced(page):
    page.evaluate(f"{CLIENT}.sound.stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator("[data-part=log]")).to_contain_text("Another one is used.")
    expect(state(page)).to_have_text("The stream is speaking")
    assert page.problems == []


def test_sound_that_the_device_pauses_is_told_of_and_goes_on_with_a_tap(page):
    words = "This device has paused the sound. Tap the page or press a key to go on."
    page.evaluate(f"{CLIENT}.sound.context.suspend()")
    expect(state(page)).to_have_text("Paused")
    expect(reason(page)).to_have_text(words)
    expect(page.locator("[data-part=announcement]")).to_have_text(f"Paused. {words}")
    expect(page.locator("[data-part=log]")).to_contain_text(words)
    page.evaluate(f"{CLIENT}.receive({{ type: 'log', data: 'started_talking' }})")
    page.evaluate(f"{CLIENT}.setMuted(true); {CLIENT}.setMuted(false)")
    expect(state(page)).to_have_text("Paused")
    page.get_by_role("heading", name="Echo").click()
    wait_until(page, f"{CLIENT}.sound.context.state === 'running'")
    expect(state(page)).to_have_text("The stream is speaking")
    expect(reason(page)).to_have_text("")
    assert page.problems == []


@pytest.mark.parametrize("gesture", ["pointerup", "click", "keydown"])
def test_sound_goes_on_with_any_gesture_though_the_page_keeps_it_to_itself(page, gesture):
    resumes = f"""() => {{
        window.resumes = 0;
        const {{ sound }} = {CLIENT};
        const resume = sound.resume.bind(sound);
        sound.resume = () => {{ window.resumes += 1; return resume(); }};
    }}"""
    page.evaluate(resumes)
    page.evaluate(f"document.addEventListener('{gesture}', (event) => event.stopImmediatePropagation(), true)")
    dispatch = f"document.body.dispatchEvent(new Event('{gesture}', {{ bubbles: true }}))"
    page.evaluate(f"{CLIENT}.sound.context.suspend()")
    wait_until(page, f"{CLIENT}.sound.context.state === 'suspended'")
    page.evaluate(dispatch)
    wait_until(page, f"{CLIENT}.sound.context.state === 'running'")
    page.evaluate(dispatch)
    assert page.evaluate("window.resumes") == 1
    assert page.problems == []


def test_a_remembered_microphone_that_is_not_there_is_replaced(open_page):
    page = open_page("/default/")
    page.evaluate("localStorage.setItem('rtc.devices', JSON.stringify({ microphone: 'f'.repeat(64) }))")
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    expect(page.locator("[data-part=log]")).to_contain_text("The microphone you chose is not there.")
    assert page.problems == []
