import asyncio

from rtc.deadlines import IdleTimer
from rtc.wakeup import Wakeup
from tests.virtual_time import elapse, virtual_time


class Heard:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.last = self.loop.time()
        self.expired_at = []
        self.timer = IdleTimer(self.loop, lambda: self.last, lambda: self.expired_at.append(self.loop.time()))

    def hear(self):
        self.last = self.loop.time()


@virtual_time
async def test_expires_once_when_nothing_is_heard():
    heard = Heard()
    heard.timer.start(5)
    await elapse(60)
    assert heard.expired_at == [5]


@virtual_time
async def test_whatever_is_heard_pushes_it_back():
    heard = Heard()
    heard.timer.start(5)
    for _ in range(10):
        await elapse(3)
        heard.hear()
    await elapse(60)
    assert heard.expired_at == [35]


@virtual_time
async def test_never_expires_without_a_timeout_or_once_cancelled():
    heard = Heard()
    heard.timer.start(5)
    heard.timer.start(None)
    await elapse(60)
    heard.timer.start(5)
    heard.timer.cancel()
    heard.timer.cancel()
    await elapse(60)
    assert heard.expired_at == []


@virtual_time
async def test_another_timeout_replaces_the_first():
    heard = Heard()
    heard.timer.start(5)
    heard.timer.start(20)
    await elapse(60)
    assert heard.expired_at == [20]


def stand_still(loop, seconds):
    """As a process that is stopped does: timers are late."""
    loop._jumping.now_s += seconds


@virtual_time
async def test_what_was_said_while_the_process_stood_still_counts():
    heard = Heard()
    heard.timer.start(5)
    await elapse(1)
    stand_still(heard.loop, 30)
    heard.loop.call_soon(heard.loop.call_soon, heard.hear)  # it is read behind the timers that are late
    await elapse(60)
    assert heard.expired_at == [36]


@virtual_time
async def test_it_expires_soon_when_nothing_was_said_while_the_process_stood_still():
    heard = Heard()
    heard.timer.start(5)
    await elapse(1)
    stand_still(heard.loop, 30)
    await elapse(0.5)
    stand_still(heard.loop, 10)
    await elapse(60)
    assert heard.expired_at == [41.5]


@virtual_time
async def test_a_wakeup_that_came_before_is_not_lost():
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()
    await wakeup.wait()
    waiting = asyncio.create_task(wakeup.wait())
    await elapse(1)
    assert not waiting.done()
    wakeup.set()
    wakeup.set()
    await waiting


@virtual_time
async def test_a_wakeup_waits_no_longer_than_it_may():
    wakeup = Wakeup()
    loop = asyncio.get_running_loop()
    await wakeup.wait_for(2)
    assert loop.time() == 2
    loop.call_later(1, wakeup.set)
    await wakeup.wait_for(2)
    assert loop.time() == 3
    await wakeup.wait_for(2)
    assert loop.time() == 5


@virtual_time
async def test_a_wakeup_can_be_waited_for_again_after_a_cancelled_wait():
    wakeup = Wakeup()
    waiting = asyncio.create_task(wakeup.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    wakeup.set()
    await wakeup.wait()
