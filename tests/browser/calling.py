"""A call on our own page, and what was heard in it."""

import logging
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser.recording import Recording, longest_silence_s, overall_correlation, pieces

logger = logging.getLogger(__name__)

SETTLING_S = 3
FOLLOWING = 0.9  # the correlation from which on a delay means something

RECORD = """async () => {
    const { Recorder } = await import("/static/browser/recorder.js");
    const { sound } = document.querySelector("[data-rtc-client]").rtcClient;
    const record = async (node) => {
        const recorder = await Recorder.create(sound.context);
        node.connect(recorder.node);
        return recorder;
    };
    window.microphone = await record(sound.context.createMediaStreamSource(sound.stream));
    window.played = await record(sound.playback);
}"""


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect").click()


def state(page: Page) -> Locator:
    return page.locator("[data-part=state]")


def reason(page: Page) -> Locator:
    return page.locator("[data-part=reason]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """What was played beside what was said; the first seconds are left out."""

    correlation: float
    longest_gap_s: float
    delays_s: list[float]


def connect_for_echo(page: Page) -> None:
    """Calls a stream that echoes, with what the microphone hears left as it is, so that it can be compared."""
    page.get_by_text("Sound settings").click()
    page.get_by_label("Cancel echo").uncheck()
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")


def record_echo(page: Page, seconds: float) -> Echo:
    """Calls a stream that echoes, for so long."""
    connect_for_echo(page)
    page.evaluate(RECORD)
    page.evaluate(f"window.played.until({seconds}, 20)")
    return compare(
        *(Recording.from_page(page.evaluate(f"window.{name}.result()")) for name in ("microphone", "played"))
    )


def compare(source: Recording, played: Recording) -> Echo:
    from_s, to_s = source.start_s + SETTLING_S, min(source.end_s, played.end_s)
    found = pieces(source, played, from_s, to_s)
    echo = Echo(
        correlation=overall_correlation(found),
        longest_gap_s=longest_silence_s(played, from_s, to_s),
        delays_s=[piece.delay_s for piece in found if piece.correlation > FOLLOWING],
    )
    logger.info("correlation %.4f, longest gap %.3f s", echo.correlation, echo.longest_gap_s)
    logger.info("delay %.3f to %.3f s, at the end %.3f s", min(echo.delays_s), max(echo.delays_s), echo.delays_s[-1])
    return echo
