import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtc.core.recent import RecentAudio

NUMBERS = np.arange(30_000).astype(np.int16)


def filled(sizes, limit=10**6):
    recent, at = RecentAudio(limit), 0
    for size in sizes:
        recent.add(NUMBERS[at : at + size])
        at += size
    return recent


@given(st.lists(st.integers(0, 500), max_size=40), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_cut_is_what_was_added_there(sizes, begin, end):
    recent = filled(sizes)
    assert np.array_equal(recent.cut(begin, end), NUMBERS[: sum(sizes)][begin : max(begin, end)])


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40), st.integers(0, 20_000), st.integers(1, 5_000))
def test_what_is_not_dropped_is_still_there(sizes, before, size):
    recent = filled(sizes)
    recent.drop(before)
    assert np.array_equal(recent.cut(before, before + size), NUMBERS[: sum(sizes)][before : before + size])


def test_dropped_audio_is_gone():
    recent = filled([100] * 50)
    recent.drop(4_000)
    assert recent.cut(0, 10_000).size == 1_000
    assert recent.cut(0, 3_999).size == 0


def test_the_oldest_go_when_there_is_too_much():
    recent = filled([100] * 50, limit=1_000)
    assert np.array_equal(recent.cut(0, 10_000), NUMBERS[4_000:5_000])
    assert recent.end == 5_000


def test_a_cut_is_a_copy():
    samples = np.zeros(10, np.int16)
    recent = RecentAudio(100)
    recent.add(samples)
    recent.cut(0, 10)[:] = 1
    assert not samples.any()
