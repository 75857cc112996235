"""The levels that a call's heartbeat tells of."""

import numpy as np
import pytest

from rtc import Stream
from rtc.core.audio import encode_mulaw
from rtc.levels import FLOOR_DBFS, LoudestFrame
from tests.callers import MULAW_24K, SILENCE, Client
from tests.subjects import Echo, level
from tests.virtual_time import elapse, virtual_time

FRAME_S = 0.02
LOUD = encode_mulaw(level(8192, FRAME_S)[1])
LOUD_DBFS = pytest.approx(-12.0, abs=0.3)  # 8192 of 32768
QUIET = SILENCE * 480


async def say(client, *frames):
    for frame in frames:
        await client.send(frame)
        await elapse(FRAME_S)


def levels(client):
    return client.call.sample()["recent"][-1][1:3]


@virtual_time
async def test_a_word_counts_though_the_heartbeat_comes_in_a_pause():
    client = Client(Stream(Echo()))
    await client.start(media_format=MULAW_24K)
    await client.until(lambda client: client.messages)
    await say(client, *[QUIET] * 40, *[LOUD] * 12, *[QUIET] * 40)
    assert levels(client) == [LOUD_DBFS, LOUD_DBFS]
    await say(client, *[QUIET] * 10)
    assert levels(client) == [FLOOR_DBFS, FLOOR_DBFS]
    await say(client, LOUD)
    assert levels(client) == [LOUD_DBFS, LOUD_DBFS], "the first frame after a sample is always looked at"
    await elapse(1)
    assert levels(client) == [FLOOR_DBFS, FLOOR_DBFS], "nothing came, nothing went"
    await client.stop()
    await client.until_closed()


def test_a_level_is_the_rms_of_the_loudest_frame():
    loudest = LoudestFrame()
    for amplitude in (100, 16384, 1000):
        loudest.look(np.array([amplitude, -amplitude] * 240, np.int16), 0.0)
    assert loudest.take() == pytest.approx(-6.0, abs=0.1)
    loudest.look(np.full(65536, -32768, np.int16), 0.0)
    assert loudest.take() == 0.0
    loudest.look(np.zeros(0, np.int16), 0.0)
    assert loudest.take() == FLOOR_DBFS


def test_a_frame_is_due_every_fifth_of_a_second():
    loudest, looked = LoudestFrame(), 0
    for count in range(100):
        now = count * FRAME_S
        if now >= loudest.due:
            loudest.look(np.zeros(480, np.int16), now)
            looked += 1
    assert 8 <= looked <= 10
