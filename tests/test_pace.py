"""How often readers read."""

import asyncio

import numpy as np
import pytest

from rtc.pace import LONGEST_TURN_S, READS_IN_A_ROW, READS_PER_S, SPACING_S, Pace
from tests.virtual_time import virtual_time


def test_readers_share_the_reads_of_their_process():
    pace = Pace()
    rested = [pace.next(100.0) for _ in range(READS_IN_A_ROW)]
    assert rested == pytest.approx(100.0 + SPACING_S * np.arange(READS_IN_A_ROW))
    busy = [pace.next(100.0) for _ in range(2 * READS_PER_S)]
    assert np.diff(busy)[-READS_PER_S:] == pytest.approx(1 / READS_PER_S)
    assert np.diff(busy).min() >= SPACING_S - 1e-9
    assert (len(rested) + len(busy) - READS_IN_A_ROW) / (busy[-1] - 100.0) == pytest.approx(READS_PER_S, rel=0.01)
    assert pace.next(200.0) == 200.0
    assert pace.next(200.1) == 200.1


@virtual_time
async def test_a_crowd_of_requests_holds_up_no_reader():
    pace, loop = Pace(), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.turn() for _ in range(5_000)))
    assert loop.time() - began <= 2 * LONGEST_TURN_S
    assert pace.next(began) - began <= 2 * LONGEST_TURN_S
