import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc.core.framing import Framer
from tests.core.signals import cut


@given(st.integers(1, 60), st.integers(0, 300), st.lists(st.integers(1, 120), min_size=1, max_size=9))
def test_any_split_gives_the_same_frames(frame_samples, total, lengths):
    samples = np.arange(total, dtype=np.int16)
    framer = Framer(frame_samples)
    frames = [frame for piece in cut(samples, lengths) for frame in framer.push(piece)]
    rest = framer.flush()
    assert all(frame.size == frame_samples for frame in frames)
    assert len(frames) == total // frame_samples
    assert (rest is None) == (total % frame_samples == 0)
    joined = np.concatenate([samples[:0], *frames, *([] if rest is None else [rest])])
    assert np.array_equal(joined, samples)


def test_frames_leave_as_soon_as_they_are_complete():
    framer = Framer(4)
    assert framer.push(np.arange(3, dtype=np.int16)) == []
    assert [frame.tolist() for frame in framer.push(np.arange(3, 9, dtype=np.int16))] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]


def test_audio_that_is_a_frame_already_is_handed_through():
    framer = Framer(4)
    frame = np.zeros(4, np.int16)
    assert framer.push(frame)[0] is frame
    assert framer.flush() is None


def test_what_is_kept_does_not_change_with_the_array_it_came_in():
    framer = Framer(4)
    samples = np.arange(3, dtype=np.int16)
    framer.push(samples)
    samples[:] = 9
    assert framer.flush().tolist() == [0, 1, 2]


def test_pushing_nothing_keeps_nothing():
    framer = Framer(4)
    assert framer.push(np.zeros(0, np.int16)) == []
    assert framer.flush() is None


@pytest.mark.parametrize("drop", [Framer.clear, Framer.flush])
def test_starts_afresh_once_the_rest_is_gone(drop):
    framer = Framer(4)
    framer.push(np.arange(3, dtype=np.int16))
    drop(framer)
    assert framer.flush() is None
    assert framer.push(np.arange(3, dtype=np.int16)) == []
    assert framer.push(np.arange(3, 4, dtype=np.int16))[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("frame_samples", [0, -1])
def test_refuses_frames_without_samples(frame_samples):
    with pytest.raises(ValueError, match="at least one"):
        Framer(frame_samples)
