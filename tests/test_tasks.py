"""What is awaited unless it is given up."""

import asyncio

import pytest

from rtc.tasks import unless_given_up
from tests.virtual_time import virtual_time


@pytest.mark.parametrize("turns", range(3))
@pytest.mark.parametrize("error", [None, ValueError("no")])
@virtual_time
async def test_a_cancellation_counts_when_the_coroutine_comes_to_its_end_all_the_same(error, turns):
    ending = asyncio.Event()

    async def ends():
        await ending.wait()
        if error is not None:
            raise error

    waiting = asyncio.create_task(unless_given_up(ends(), asyncio.Future()))
    await asyncio.sleep(0.1)
    ending.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError if error is None else ValueError):
        await waiting
