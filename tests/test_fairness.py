"""Turns that many take at the same moment."""

import asyncio

from rtc.fairness import OneAtATime


async def test_between_two_turns_the_loop_does_what_is_due():
    turns, loop = OneAtATime(), asyncio.get_running_loop()
    done = []

    async def take(number):
        await turns.next()
        done.append(number)
        loop.call_soon(done.append, "other")

    await asyncio.gather(*map(take, range(5)))
    await asyncio.sleep(0)
    assert done == [0, "other", 1, "other", 2, "other", 3, "other", 4, "other"]


async def test_one_who_gives_up_holds_nobody_up():
    turns = OneAtATime()
    first, second, third = (asyncio.create_task(turns.next()) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.wait_for(third, 1)
    assert first.cancelled()
    assert second.cancelled()


def test_each_event_loop_has_its_own():
    turns = OneAtATime()

    async def crowd():
        await asyncio.gather(*(turns.next() for _ in range(3)))

    for _ in range(2):
        asyncio.run(crowd())
