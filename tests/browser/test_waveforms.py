"""What the waveforms of a page draw, and in how many frames."""

import pytest

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
