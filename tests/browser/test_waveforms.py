"""What the waveforms of a page draw, and in how many frames."""

import pytest
from playwright.sync_api import Page

from tests.browser.waiting import wait_until

pytestmark = pytest.mark.live

DRAWN_MS = 2000
SHORTEST_MS = 60  # from one drawing to the next
KEEP_DRAWINGS = """(milliseconds) => new Promise((resolve) => {
    const frames = { "wave-in": [], "wave-out": [] };
    const { fill } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fill = function (...path) {
        frames[this.canvas.dataset.part].push(document.timeline.currentTime); // the same all through a frame
        fill.apply(this, path);
    };
    setTimeout(() => resolve(frames), milliseconds);
})"""


def test_microphone_and_stream_are_drawn_in_the_same_frames(page):
    frames = page.evaluate(KEEP_DRAWINGS, DRAWN_MS)
    heard, said = set(frames["wave-in"]), set(frames["wave-out"])
    assert heard and said
    assert len(heard | said) <= DRAWN_MS / SHORTEST_MS + 1
    assert page.problems == []


APART = """async () => {
    const { Waveform } = await import("/static/rtc/waveform.js");
    const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const drawn = [];
    for (const name of ["first", "second"]) {
        const wave = new Waveform(document.createElement("canvas"), new AbortController().signal);
        for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); // its size is looked at
        wave.draw = () => drawn.push(name);
        wave.add(-6, performance.now());
        if (name === "first") while (drawn.length === 0) await pause(1);
    }
    await pause(300);
    return drawn;
}"""


def test_what_comes_right_after_a_frame_waits_for_no_other_bar(open_page):
    page = open_page("/default/")
    assert page.evaluate(APART) == ["first", "second"]
    assert page.problems == []


AT_INTERVALS = """async (intervals) => {
    const { Waveform } = await import("/static/rtc/waveform.js");
    return intervals.map((interval) => {
        const wave = new Waveform(document.createElement("canvas"), new AbortController().signal);
        for (let ms = 0; ms < 6000; ms += interval) wave.add(-6, ms);
        return wave.bars.length;
    });
}"""


def test_bars_pass_at_one_pace_however_often_levels_come(open_page):
    page = open_page("/default/")
    counts = page.evaluate(AT_INTERVALS, [20, 50])  # ms: the microphone's, and playback's
    assert all(98 <= count <= 100 for count in counts)


LOUD_FOR_LONG = """async () => {
    const { Waveform } = await import("/static/rtc/waveform.js");
    window.requestAnimationFrame = () => 1; // as in a hidden page
    const wave = new Waveform(document.createElement("canvas"), new AbortController().signal);
    for (let i = 0; i < 10_000; i++) wave.add(-6, i * 1000);
    return wave.bars.length;
}"""


def test_where_nothing_is_drawn_for_long_little_is_kept(open_page):
    page = open_page("/default/")
    assert page.evaluate(LOUD_FOR_LONG) == 1000
    assert page.problems == []


DRAWN_IN_ITS_COLOUR = """() => [...document.querySelectorAll("canvas")].every((canvas) => {
    const [drawn, wanted] = [canvas.getContext("2d"), new OffscreenCanvas(1, 1).getContext("2d")];
    const { data } = drawn.getImageData(0, 0, canvas.width, canvas.height);
    let i = 0;
    while (i < data.length && data[i + 3] !== 255) i += 4;
    wanted.fillStyle = getComputedStyle(canvas).borderTopColor; // of silence
    wanted.fillRect(0, 0, 1, 1);
    return data.slice(i, i + 4).join() === wanted.getImageData(0, 0, 1, 1).data.join();
})"""
TURN_LIGHT = """() => {
    document.querySelector("meta[name=color-scheme]").remove();
    document.body.style.colorScheme = "light";
}"""


def wait_until_redrawn(page: Page) -> None:
    wait_until(page, DRAWN_IN_ITS_COLOUR)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_before_a_call_too_waves_have_the_colours_of_their_theme(open_page, motion):
    page = open_page("/default/", reduced_motion=motion, color_scheme="light")
    wait_until_redrawn(page)
    page.emulate_media(color_scheme="dark")
    wait_until_redrawn(page)
    page.evaluate(TURN_LIGHT)
    wait_until_redrawn(page)
    assert page.problems == []
