"""What a client says before its handler runs is kept, but not at any price."""

import pytest

from rtc.early import BYTES, FRAMES, EarlyAudio


@pytest.mark.parametrize(
    ("size", "kept"), [(480, FRAMES), (BYTES // FRAMES, FRAMES), (64 * 1024, BYTES // (64 * 1024)), (2 * BYTES, 1)]
)
def test_the_newest_is_kept_as_far_as_there_is_room(size, kept):
    early = EarlyAudio()
    for number in range(2 * FRAMES):
        early.put(bytes([number % 256]) * size, number)
    found = list(early.take_all())
    assert [came_at for _, came_at in found] == list(range(2 * FRAMES - kept, 2 * FRAMES))
    assert all(payload == bytes([came_at % 256]) * size for payload, came_at in found)


def test_what_was_taken_is_gone():
    early = EarlyAudio()
    early.put(b"a", 1.0)
    assert list(early.take_all()) == [(b"a", 1.0)]
    assert list(early.take_all()) == []
