import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc.core.speech import BACKGROUND_WINDOWS, COMING_S, UNDER_WAY, Background, SlidingSum, SpeechMeter
from rtc.core.turn_options import SileroVadOptions
from rtc.core.windows import WINDOW_S

LOUD = 1e-2
QUIET = 1e-5

flags = st.lists(st.booleans(), max_size=80)
spans = st.floats(0.01, 2.0)


@given(flags, spans)
def test_a_sliding_sum_is_the_speech_in_the_last_of_the_span(windows, span_s):
    """Against a plain sum of the overlap of each window with the span."""
    sliding = SlidingSum(span_s)
    for count in range(1, len(windows) + 1):
        end_s = count * WINDOW_S
        overlaps = [
            min(WINDOW_S, max(0.0, (index + 1) * WINDOW_S - (end_s - span_s)))
            for index, speaking in enumerate(windows[:count])
            if speaking
        ]
        assert sliding.add(windows[count - 1]) == pytest.approx(sum(overlaps), abs=1e-6)


def speaking(probabilities, powers=None, **options):
    meter = SpeechMeter(SileroVadOptions(**options), 0.6, 0.6)
    powers = powers or [LOUD] * len(probabilities)
    return [meter.add(*window).speaking for window in zip(probabilities, powers, strict=True)]


def test_speech_begins_at_the_threshold_and_ends_below_it():
    likely = [0.1, 0.4, 0.5, 0.4, 0.36, 0.34, 0.4, 0.49, 0.5]
    assert speaking(likely) == [False, False, True, True, True, False, False, False, True]
    assert speaking(likely, threshold=0.4) == [False, True, True, True, True, True, True, True, True]


def test_measures_follow_each_other():
    meter = SpeechMeter(SileroVadOptions(), 0.6, 1.0)
    measures = [meter.add(1.0, LOUD) for _ in range(40)]
    assert [measure.begin_s for measure in measures[1:]] == [measure.end_s for measure in measures[:-1]]
    assert measures[-1].end_s == pytest.approx(40 * WINDOW_S)
    assert measures[-1].speech_s == pytest.approx(0.6)
    assert measures[-1].onset_s == pytest.approx(1.0)


def test_what_the_model_still_takes_for_speech_when_all_is_quiet_again_is_none():
    quiet, voice, tail = [0.01] * BACKGROUND_WINDOWS, [1.0] * 10, [0.79, 0.7, 0.6, 0.5, 0.4]
    powers = [QUIET] * len(quiet) + [LOUD] * len(voice) + [QUIET] * len(tail)
    found = speaking(quiet + voice + tail, powers)
    assert found == [False] * len(quiet) + [True] * len(voice) + [False] * len(tail)


@pytest.mark.parametrize(
    "likely, power, is_background",
    [(0.7, QUIET, True), (0.7, 1.9 * QUIET, True), (0.7, 3 * QUIET, False), (0.9, QUIET, False), (0.7, LOUD, False)],
)
def test_soft_speech_is_not_taken_for_background(likely, power, is_background):
    assert known_background().is_all(likely, power) is is_background


def known_background(windows=BACKGROUND_WINDOWS):
    background = Background()
    for _ in range(windows):
        background.add(0.01, QUIET)
    return background


def test_a_background_that_is_not_known_yet_decides_nothing():
    background = known_background(BACKGROUND_WINDOWS - 1)
    assert not background.is_all(0.7, QUIET)
    assert not background.is_drowned_by(LOUD)


def test_the_background_follows_the_room():
    background = Background()
    for power in np.linspace(QUIET, 100 * QUIET, 100):
        background.add(0.01, power)
    assert background.is_all(0.7, 90 * QUIET)
    assert not background.is_all(0.7, 300 * QUIET)


def test_sound_that_is_not_known_as_speech_yet():
    meter = SpeechMeter(SileroVadOptions(), 0.6, 0.6)
    quiet = [meter.add(0.01, QUIET) for _ in range(20)]
    assert not any(measure.stirring for measure in quiet)
    assert meter.add(0.1, LOUD).stirring
    assert not meter.add(0.1, 1.5 * QUIET).stirring
    assert sum(meter.add(0.1, LOUD).stirring for _ in range(20)) < 8, "a louder room is soon known, too"


def test_what_surely_follows():
    meter = SpeechMeter(SileroVadOptions(), 0.6, 0.6)
    likely = [0.2, UNDER_WAY, 1.0, UNDER_WAY - 0.01, 0.1]
    assert [meter.add(each, LOUD).coming_s for each in likely] == [0.0, COMING_S, COMING_S, 0.0, 0.0]
