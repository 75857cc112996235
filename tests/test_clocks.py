"""What is known of others' clocks is never ahead of them, while it is young."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc import clocks
from rtc.clocks import KEPT_S, Clocks

AHEAD_S = 1_000.0


def test_nothing_is_known_of_who_was_never_heard():
    known = Clocks()
    assert not known.knows("there", 0.0)
    assert known.reading("there", 5.0) is None


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 2)), min_size=1))
def test_a_reading_is_late_by_the_fastest_answer(answers):
    """Each comes so long after the last, and was under way for so long."""
    known = Clocks()
    now = 0.0
    for pause_s, way_s in answers:
        now += pause_s
        known.heard("there", now - way_s + AHEAD_S, now)
    assert known.knows("there", now)
    late_s = now + AHEAD_S - known.reading("there", now)
    fastest_s = min(way_s for _, way_s in answers)
    assert late_s >= fastest_s - 1e-6
    if now <= KEPT_S:
        assert late_s == pytest.approx(fastest_s, abs=1e-6)


def test_what_is_old_counts_no_more():
    known = Clocks()
    known.heard("there", 10.0, 0.0)
    assert known.knows("there", KEPT_S) and not known.knows("there", KEPT_S + 1)
    known.heard("there", KEPT_S + 1 + 9.0, KEPT_S + 1)  # it has been slower
    assert known.knows("there", KEPT_S + 1)
    assert known.reading("there", 100.0) == 109.0


def test_those_heard_longest_ago_are_forgotten(monkeypatch):
    monkeypatch.setattr(clocks, "MAX_KNOWN", 2)
    known = Clocks()
    for name in ("a", "b", "a", "c"):
        known.heard(name, 0.0, 0.0)
    assert [known.knows(name, 0.0) for name in "abc"] == [True, False, True]
