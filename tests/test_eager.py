"""Coroutines begun in the name of a task that waits."""

import asyncio
from contextvars import ContextVar, copy_context

import pytest

from rtc.eager import begin

name = ContextVar("name", default="nobody")


class Host:
    """A task that awaits what is begun for it, one after another."""

    def __init__(self):
        self.begun = asyncio.Queue()
        self.context = copy_context()
        self.outcomes = []
        self.task = asyncio.get_running_loop().create_task(self._run(), context=self.context)

    async def _run(self):
        while (begun := await self.begun.get()) is not None:
            try:
                self.outcomes.append(await begun)
            except ValueError as error:
                self.outcomes.append(error)
        return name.get()

    async def begin(self, coroutine):
        await asyncio.sleep(0)  # it waits now
        return begin(coroutine, self.task, self.context)

    async def end(self):
        self.begun.put_nowait(None)
        return await asyncio.wait_for(self.task, 5)


async def test_what_need_not_wait_is_through_at_once_in_the_name_and_context_of_the_task():
    host = Host()
    seen = []

    async def job():
        seen.append(asyncio.current_task())
        name.set("host")

    me = asyncio.current_task()
    assert await host.begin(job()) is None
    assert seen == [host.task]
    assert asyncio.current_task() is me
    assert name.get() == "nobody"
    assert await host.end() == "host"


async def test_from_a_callback_which_no_task_runs():
    host = Host()
    seen = asyncio.get_running_loop().create_future()

    async def job():
        seen.set_result(asyncio.current_task())

    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(lambda: begin(job(), host.task, host.context))
    assert await asyncio.wait_for(seen, 5) is host.task
    await host.end()


async def test_what_it_waits_for_can_be_awaited_by_others_meanwhile():
    host = Host()
    news = asyncio.get_running_loop().create_future()

    async def job():
        assert await news == "news"

    begun = await host.begin(job())
    other = asyncio.create_task(job())
    await asyncio.sleep(0)
    host.begun.put_nowait(begun)
    await asyncio.sleep(0)
    news.set_result("news")
    await asyncio.wait_for(other, 5)
    await host.end()
    assert host.outcomes == [None]


async def test_the_task_goes_on_where_it_waits():
    host = Host()
    news = asyncio.get_running_loop().create_future()
    seen = []

    async def job():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        seen.append(await news)
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("timeout")
        assert host.task.cancelling() == 0

    host.begun.put_nowait(await host.begin(job()))
    await asyncio.sleep(0)
    news.set_result("news")
    await host.end()
    assert seen == [host.task, host.task, "news", "timeout"]


@pytest.mark.parametrize("waits", [False, True])
async def test_what_it_raises_comes_out_where_it_runs(waits):
    host = Host()

    async def job():
        if waits:
            await asyncio.sleep(0)
        raise ValueError("job")

    if waits:
        host.begun.put_nowait(await host.begin(job()))
        await host.end()
        assert [str(outcome) for outcome in host.outcomes] == ["job"]
    else:
        with pytest.raises(ValueError, match="job"):
            await host.begin(job())
        await host.end()


@pytest.mark.parametrize("begun", ["not awaited yet", "awaited"])
async def test_a_cancellation_of_its_task_is_its_own(begun):
    host = Host()
    seen = []

    async def job():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("cleaned up")
            raise

    begun_job = await host.begin(job())
    if begun == "awaited":
        host.begun.put_nowait(begun_job)
        await asyncio.sleep(0)
        host.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await host.task
    else:
        begun_job.cancel(asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await begun_job
        await host.end()
    assert seen == ["cleaned up"]


async def test_what_a_cancelled_one_waits_for_is_cancelled_first():
    """Else a semaphore of Python 3.11 takes its place for granted, and gives back one too many."""
    host = Host()
    semaphore = asyncio.Semaphore(1)
    child = asyncio.create_task(asyncio.sleep(60))
    await semaphore.acquire()

    async def acquire():
        async with semaphore:
            pytest.fail("it was held")

    async def wait_for_child():
        await child

    for job in (acquire, wait_for_child):
        begun = await host.begin(job())
        begun.cancel(asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await begun
    assert semaphore.locked()
    assert child.cancelled()
    await host.end()


async def test_one_that_waits_for_the_loop_alone_is_cancelled():
    host = Host()
    begun = await host.begin(asyncio.sleep(0))
    begun.cancel(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await begun
    await host.end()
