"""A published client, undeclared rate and all, in a real browser against a real server."""

import logging

import pytest
from playwright.sync_api import Page

from tests.browser.recording import Piece, Recording, overall_correlation, pieces

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.live

SETTLING_S = 3
LONGEST_DELAY_S = 0.5
TIMEOUT_S = 30


def played_pieces(page: Page, call_s: int) -> tuple[list[Piece], list[Piece]]:
    """What was played beside what the client was given of its microphone, and beside what the microphone heard.

    The first tells how true it is: a browser that is busy gives a ScriptProcessor less than the microphone heard. The
    second has a clock that nothing is missing from, and tells how late it is.
    """
    timeout_ms = (call_s + TIMEOUT_S) * 1000
    page.wait_for_function(f"window.call.microphone?.seconds > {call_s}", timeout=timeout_ms, polling=500)
    results = page.evaluate("['given', 'microphone', 'played'].map((name) => window.call[name].result())")
    given, heard, played = map(Recording.from_page, results)
    times_s = heard.start_s + SETTLING_S, min(heard.end_s, played.end_s)
    return pieces(given, played, *times_s), pieces(heard, played, *times_s)


@pytest.mark.first
@pytest.mark.parametrize("call_s", [15, pytest.param(60, marks=pytest.mark.long)])
def test_what_is_played_is_what_was_said_and_not_late(open_page, call_s):
    rates = (44100, 48000)
    pages = [open_page(f"/static/browser/sample_client.html?rate={rate}") for rate in rates]
    for page in pages:
        page.click("#connect")
    calls = [played_pieces(page, call_s) for page in pages]
    for page, rate, (given, heard) in zip(pages, rates, calls, strict=True):
        logger.info("%d Hz: correlation %.4f, %.4f", rate, overall_correlation(given), overall_correlation(heard))
        delays = [round(piece.delay_s, 3) for piece in heard if piece.correlation > 0.9]
        logger.info("delay %.3f to %.3f s, at the end %.3f s", min(delays), max(delays), delays[-1])
        assert page.evaluate("window.call.microphone.context.sampleRate") == rate
        assert page.problems == []
    assert min(overall_correlation(given) for given, _ in calls) > 0.95
    assert max(piece.delay_s for _, heard in calls for piece in heard if piece.correlation > 0.9) <= LONGEST_DELAY_S
