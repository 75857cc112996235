import asyncio
import logging
import threading
from contextvars import ContextVar

import pytest

from rtc.core.exceptions import HandlerError
from rtc.generation import END, Generation, wait_until_over
from tests.virtual_time import until, virtual_time

flavour = ContextVar("flavour", default="plain")


def generation(fn, *arguments):
    async def give():
        return arguments

    return Generation(fn, give, "test")


async def all_of(made):
    found = []
    while (item := await made.next()) is not END:
        found.append(item)
    return found


@virtual_time
async def test_what_is_made_comes_one_at_a_time():
    async def coroutine(count):
        return count

    async def async_generator(count):
        for number in range(count):
            yield number

    def generator(count):
        yield from range(count)

    def function(count):
        return count

    async def gives_a_generator(count):
        return generator(count)

    assert await all_of(generation(coroutine, 3)) == [3]
    assert await all_of(generation(async_generator, 3)) == [0, 1, 2]
    assert await all_of(generation(generator, 3)) == [0, 1, 2]
    assert await all_of(generation(function, 3)) == [3]
    assert await all_of(generation(gives_a_generator, 3)) == [0, 1, 2]
    assert await all_of(generation(lambda count: async_generator(count), 3)) == [0, 1, 2]
    assert await all_of(generation(lambda: None)) == []
    assert await all_of(generation(lambda: iter("ab"))) == ["a", "b"]


@pytest.mark.parametrize("kind", ["async", "sync"])
@virtual_time
async def test_a_generator_goes_on_only_when_it_is_asked(kind):
    went_on = []

    async def slow():
        for number in range(3):
            went_on.append(number)
            yield number

    def sync():
        for number in range(3):
            went_on.append(number)
            yield number

    made = generation(slow if kind == "async" else sync)
    assert await made.next() == 0
    await asyncio.sleep(1)
    assert went_on == [0]
    assert await made.next() == 1
    assert went_on == [0, 1]
    made.stop()
    await wait_until_over([made], 1.0)


@virtual_time
async def test_context_is_kept_between_items():
    async def tasting():
        flavour.set("sweet")
        yield flavour.get()
        yield flavour.get()

    def tasting_in_a_thread():
        flavour.set("sweet")
        yield flavour.get()
        yield flavour.get()

    flavour.set("salty")
    assert await all_of(generation(tasting)) == ["sweet", "sweet"]
    assert await all_of(generation(tasting_in_a_thread)) == ["sweet", "sweet"]
    assert await all_of(generation(lambda: flavour.get())) == ["salty"]
    assert flavour.get() == "salty"


@pytest.mark.parametrize("kind", ["async", "sync"])
@virtual_time
async def test_what_it_raises_is_its_end(kind):
    async def failing():
        yield 1
        raise KeyError("x")

    def sync_failing():
        yield 1
        raise KeyError("x")

    made = generation(failing if kind == "async" else sync_failing)
    assert await made.next() == 1
    with pytest.raises(HandlerError, match=r"fn\(\): KeyError") as caught:
        await made.next()
    assert isinstance(caught.value.__cause__, KeyError)
    assert await made.next() is END


@pytest.mark.parametrize("error", [SystemExit(1), StopIteration()])
@virtual_time
async def test_nothing_gets_out_of_its_thread(error):
    def leaving():
        raise error

    with pytest.raises(HandlerError):
        await all_of(generation(leaving))


@virtual_time
async def test_stopped_where_it_waits():
    events = []

    async def waiting():
        yield 1
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise
        finally:
            events.append("finally")

    made = generation(waiting)
    assert await made.next() == 1
    asked = asyncio.create_task(made.next())
    await asyncio.sleep(1)
    made.stop()
    assert await asked is END
    assert await wait_until_over([made], 1.0) == 0
    assert events == ["cancelled", "finally"]
    assert await made.next() is END


@virtual_time
async def test_stopped_at_a_yield():
    events = []

    async def yielding():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0.1)
            events.append("finally")

    made = generation(yielding)
    assert await made.next() == 1
    made.stop()
    assert await wait_until_over([made], 1.0) == 0
    assert events == ["finally"]


@virtual_time
async def test_stopped_before_it_began():
    made = generation(lambda: 1 / 0)
    made.stop()
    assert await made.next() is END
    assert await wait_until_over([made], 1.0) == 0


@virtual_time
async def test_a_thread_that_blocks_is_closed_when_it_gives_control():
    held, closed = threading.Event(), []

    def blocking():
        try:
            yield 1
            held.wait(10)
            yield 2
            yield 3
        finally:
            closed.append(threading.current_thread().name)

    made = generation(blocking)
    assert await made.next() == 1
    asked = asyncio.create_task(made.next())
    await asyncio.sleep(0.01)
    made.stop()
    assert await asked is END, "nobody waits for the thread"
    assert not closed
    held.set()
    assert await wait_until_over([made], 5.0) == 0
    assert closed == ["rtc fn"]


@virtual_time
async def test_a_thread_that_never_returns_is_left_alone():
    held = threading.Event()
    made = generation(lambda: held.wait(60))
    asked = asyncio.create_task(made.next())
    await asyncio.sleep(0.01)
    made.stop()
    assert await asked is END
    assert await wait_until_over([made], 0.05) == 1 or made.task.done()
    held.set()


@virtual_time
async def test_a_generator_that_swallows_its_cancellation_is_stopped_all_the_same():
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                yield "no"

    made = generation(stubborn)
    await asyncio.sleep(1)
    made.stop()
    assert await wait_until_over([made], 1.0) == 0


@virtual_time
async def test_failing_while_it_is_stopped_is_logged(caplog):
    async def failing():
        try:
            yield 1
        finally:
            raise KeyError("x")

    made = generation(failing)
    await made.next()
    with caplog.at_level(logging.ERROR):
        made.stop()
        await wait_until_over([made], 1.0)
    (record,) = caplog.records
    assert "stopped" in record.message and record.exc_info


@virtual_time
async def test_threads_end_with_their_replies():
    before = set(threading.enumerate())

    def generator():
        yield from range(100)

    finished, stopped = generation(generator), generation(generator)
    assert len(await all_of(finished)) == 100
    await stopped.next()
    stopped.stop()
    await wait_until_over([stopped], 1.0)
    await until(lambda: not {thread for thread in set(threading.enumerate()) - before if thread.name == "rtc fn"})
