"""What is kept of the outputs that were stored last."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rtc.recent import CHARS, ROWS, RecentOutputs


def kept(*positions, session_pk=1):
    recent = RecentOutputs()
    for position in positions:
        recent.add(session_pk, position, str(position))
    return recent


def test_gives_what_is_behind_a_position():
    recent = kept(1, 2, 3)
    assert recent.after(1, 0) == [(1, "1"), (2, "2"), (3, "3")]
    assert recent.after(1, 2) == [(3, "3")]
    assert recent.after(1, 3) == []


def test_knows_nothing_of_what_it_did_not_see():
    recent = kept(5, 6)
    assert recent.after(1, 3) is None
    assert recent.after(1, 4) == [(5, "5"), (6, "6")]
    assert recent.after(2, 4) is None


def test_begins_anew_behind_a_gap():
    recent = kept(1, 2, 4)  # the third was given up: it is not in the database either, but who is to know
    assert recent.after(1, 2) is None
    assert recent.after(1, 3) == [(4, "4")]


def test_forgets_a_session():
    recent = kept(1)
    recent.forget(1)
    recent.forget(1)
    assert recent.after(1, 0) is None


@settings(deadline=None)  # it judges no speed
@given(st.lists(st.integers(0, 2 * CHARS), max_size=3 * ROWS), st.integers(0, 3 * ROWS))
def test_what_it_gives_is_whole_and_bounded(sizes, position):
    recent = RecentOutputs()
    for at, size in enumerate(sizes, 1):
        recent.add(1, at, "x" * size)
    rows = recent.after(1, min(position, len(sizes)))
    if rows is not None:
        assert rows == [(at, "x" * size) for at, size in enumerate(sizes, 1) if at > position]
        assert len(rows) <= ROWS
        assert sum(len(payload) for _, payload in rows) <= CHARS
