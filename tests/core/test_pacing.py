import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc.core.pacing import TIMER_RESOLUTION_S, Pacer

LEAD_S = 0.2

durations = st.floats(0.001, 0.5)
overheads = st.floats(0.0, 0.01)
starts = st.floats(0, 1e6)


@given(starts, overheads, st.lists(st.tuples(durations, st.floats(0, 0.3)), min_size=1, max_size=50))
def test_never_more_than_the_lead_is_ahead(now, overhead_s, pieces):
    pacer = Pacer(LEAD_S, overhead_s)
    for duration_s, idle_s in pieces:
        now += idle_s
        now += pacer.wait_s(duration_s, now)
        pacer.sent(duration_s, now)
        most_s = max(LEAD_S, duration_s + overhead_s)
        assert pacer.ahead_s(now) <= most_s + 2 * TIMER_RESOLUTION_S


@given(starts, durations, st.lists(durations, max_size=20))
def test_waits_no_longer_than_it_must(now, duration_s, sent):
    pacer = Pacer(LEAD_S)
    for piece_s in sent:
        pacer.sent(piece_s, now)
    wait_s = pacer.wait_s(duration_s, now)
    assert 0 <= wait_s <= pacer.ahead_s(now)
    if wait_s:
        after_s = pacer.ahead_s(now + wait_s) + min(duration_s, LEAD_S)
        assert after_s == pytest.approx(LEAD_S, abs=1e-6)


@given(starts, overheads, st.lists(durations, min_size=1, max_size=30))
def test_a_wait_that_was_waited_is_over(now, overhead_s, pieces):
    pacer = Pacer(LEAD_S, overhead_s)
    for duration_s in pieces:
        now += pacer.wait_s(duration_s, now)
        assert pacer.wait_s(duration_s, now) == 0.0
        pacer.sent(duration_s, now)


@given(starts, overheads, st.lists(st.tuples(durations, st.floats(0, 0.3)), min_size=1, max_size=50))
def test_what_leaves_at_once_is_what_need_not_wait(now, overhead_s, pieces):
    asked, told = Pacer(LEAD_S, overhead_s), Pacer(LEAD_S, overhead_s)
    for duration_s, idle_s in pieces:
        now += idle_s
        wait_s = asked.wait_s(duration_s, now)
        assert told.leaves(duration_s, now) is (wait_s == 0.0)
        if not wait_s:
            asked.sent(duration_s, now)
        assert told.ahead_s(now) == pytest.approx(asked.ahead_s(now), abs=1e-9)


@pytest.mark.parametrize("frame_s", [0.01, 0.02, 2048 / 44100, 0.1])
@pytest.mark.parametrize("late_s", [0.0, 0.003])
def test_a_minute_does_not_drift(frame_s, late_s):
    """Also when every timer fires late: the next deadline doesn't move with it."""
    pacer = Pacer(LEAD_S)
    started = now = 1000.0
    for _ in range(round(60 / frame_s)):
        wait_s = pacer.wait_s(frame_s, now)
        now += wait_s + (late_s if wait_s else 0.0)
        pacer.sent(frame_s, now)
    sent_s = frame_s * round(60 / frame_s)
    assert now - started + pacer.ahead_s(now) == pytest.approx(sent_s, abs=0.001)


def test_live_audio_never_waits():
    pacer = Pacer(LEAD_S)
    for count in range(1, 500):
        now = count * 0.02
        assert pacer.wait_s(0.02, now) == 0.0
        pacer.sent(0.02, now)


def test_the_lead_leaves_at_once_and_the_rest_in_real_time():
    pacer = Pacer(LEAD_S)
    waits = []
    for _ in range(12):
        waits.append(pacer.wait_s(0.02, 5.0))
        pacer.sent(0.02, 5.0)
    assert waits[:10] == [0.0] * 10
    assert waits[10:] == [pytest.approx(0.02), pytest.approx(0.04)]


def test_audio_longer_than_the_lead_waits_until_nothing_is_ahead():
    pacer = Pacer(LEAD_S)
    assert pacer.wait_s(10.0, 1.0) == 0.0
    pacer.sent(10.0, 1.0)
    assert pacer.wait_s(10.0, 3.0) == pytest.approx(8.0)
    assert pacer.wait_s(0.02, 3.0) == pytest.approx(8.0 - LEAD_S + 0.02)


def test_overhead_counts_as_played_time():
    pacer = Pacer(LEAD_S, overhead_s=0.005)
    pacer.sent(0.1, 1.0)
    assert pacer.ahead_s(1.0) == pytest.approx(0.105)
    assert pacer.wait_s(0.1, 1.0) == pytest.approx(0.01)


def test_an_idle_time_is_not_made_up_for():
    pacer = Pacer(LEAD_S)
    pacer.sent(0.1, 1.0)
    assert pacer.ahead_s(50.0) == 0.0
    pacer.sent(0.1, 50.0)
    assert pacer.ahead_s(50.0) == pytest.approx(0.1)


def test_nothing_is_ahead_after_a_clear():
    pacer = Pacer(LEAD_S)
    pacer.sent(5.0, 1.0)
    pacer.clear(2.0)
    assert pacer.ahead_s(2.0) == 0.0
    assert pacer.wait_s(0.2, 2.0) == 0.0
    pacer.sent(0.1, 2.0)
    assert pacer.ahead_s(2.0) == pytest.approx(0.1)


def test_nothing_is_ahead_at_first():
    assert Pacer(LEAD_S).ahead_s(0.0) == 0.0
    assert Pacer(LEAD_S).wait_s(1.0, -5.0) == 0.0
