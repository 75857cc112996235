"""One thread reads for all open event streams."""

import asyncio
import threading

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async

from rtc import reading


async def test_the_requests_thread_ends_and_two_threads_serve_all():
    threads, ends = set(), set()

    async def request():
        async with ThreadSensitiveContext():
            own = await sync_to_async(threading.current_thread)()
            await asyncio.create_task(stream(own))
            # What comes after the response has one thread for all.
            ends.add(await sync_to_async(threading.current_thread)())

    async def stream(own):
        reading.leave_request_thread()
        await asyncio.to_thread(own.join, 5)
        assert not own.is_alive()
        threads.add(await sync_to_async(threading.current_thread)())

    await asyncio.gather(*(request() for _ in range(5)))
    assert len(threads) == len(ends) == 1
    assert not threads & ends
    assert await reading.read(threading.current_thread) in threads


async def test_a_thread_that_is_not_the_requests_is_left_alone():
    context = ThreadSensitiveContext()
    SyncToAsync.thread_sensitive_context.set(context)
    SyncToAsync.context_to_thread_executor[context] = executor = object()
    reading.leave_request_thread()
    assert executor not in SyncToAsync.context_to_thread_executor.values()
