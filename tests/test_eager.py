"""Coroutines that a task runs and others have go on."""

import asyncio
from contextvars import ContextVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc.eager import Eager, wanted
from tests.virtual_time import run_virtual

name = ContextVar("name", default="nobody")


class Subject:
    """An Eager at work; `seen` is what its coroutine appended."""

    def __init__(self, function):
        self.seen = []
        self.eager = Eager(function)
        self.task = asyncio.create_task(self.eager.run(self.seen))

    async def end(self):
        self.task.cancel()
        await asyncio.wait([self.task], timeout=5)
        assert self.task.done()


async def settled():
    for _ in range(60):
        await asyncio.sleep(0)


async def serve(seen):
    """Appends the task that each of its steps is taken in, and what `name` is there."""
    number = 0
    while True:
        await wanted()
        number += 1
        seen.append((number, asyncio.current_task(), name.get()))
        name.set(f"{number}")


async def test_an_idle_one_goes_on_at_once_in_the_name_and_context_of_its_task():
    name.set("me")
    subject = Subject(serve)
    me = asyncio.current_task()
    subject.eager.go_on()
    assert not subject.seen, "it had not begun to wait"
    await settled()
    assert subject.eager.idle
    subject.eager.go_on()
    subject.eager.go_on()
    assert subject.seen == [(1, subject.task, "me"), (2, subject.task, "1")]
    assert asyncio.current_task() is me
    assert name.get() == "me"
    await subject.end()
    assert not subject.eager.idle


async def test_from_a_callback_which_no_task_runs():
    subject = Subject(serve)
    await settled()
    asyncio.get_running_loop().call_soon(subject.eager.go_on)
    await settled()
    assert [step[:2] for step in subject.seen] == [(1, subject.task)]
    await subject.end()


async def test_or_when_the_loop_comes_to_it_once():
    subject = Subject(serve)
    await settled()
    subject.eager.go_on_soon()
    subject.eager.go_on_soon()
    subject.eager.go_on()
    assert not subject.seen
    await settled()
    assert [step[:2] for step in subject.seen] == [(1, subject.task)]
    await subject.end()


async def take(seen):
    queue = asyncio.Queue()
    seen.append(queue)
    while True:
        seen.append(await queue.get())


async def test_one_that_waits_for_what_others_bring_about_follows_at_once():
    subject = Subject(take)
    await settled()
    queue = subject.seen[0]
    subject.eager.follow(lambda: queue.put_nowait("a"))
    assert subject.seen[1:] == ["a"]

    def two():
        queue.put_nowait("b")
        queue.put_nowait("c")

    subject.eager.follow(two)
    assert subject.seen[1:] == ["a", "b", "c"]
    await settled()
    assert subject.seen[1:] == ["a", "b", "c"]
    await subject.end()


async def test_one_that_need_not_follow_waits_on():
    subject = Subject(take)
    subject.eager.follow(lambda: None)  # it has not begun
    await settled()
    queue = subject.seen[0]
    subject.eager.follow(lambda: None)
    with pytest.raises(ZeroDivisionError):
        subject.eager.follow(lambda: 1 / 0)
    assert subject.seen[1:] == []
    queue.put_nowait("a")
    await settled()
    assert subject.seen[1:] == ["a"]
    await subject.end()
    subject.eager.follow(lambda: None)


async def test_one_whose_next_step_is_due_already_takes_it_in_its_turn():
    subject = Subject(take)
    await settled()
    queue = subject.seen[0]
    queue.put_nowait("a")
    subject.eager.follow(lambda: queue.put_nowait("b"))
    assert subject.seen[1:] == []
    await settled()
    assert subject.seen[1:] == ["a", "b"]
    await subject.end()


async def test_what_it_waits_for_can_be_awaited_by_others_too():
    news = asyncio.get_running_loop().create_future()

    async def hear(seen):
        seen.append(await news)

    subject = Subject(hear)
    await settled()
    other = asyncio.create_task(hear(subject.seen))
    await settled()
    news.set_result("news")
    await asyncio.wait_for(asyncio.gather(subject.task, other), 5)
    assert subject.seen == ["news", "news"]


@pytest.mark.parametrize("how", ["go_on", "go_on_soon", "follow"])
async def test_what_a_step_raises_comes_out_of_the_task_that_runs_it(how):
    news = asyncio.get_running_loop().create_future()

    async def fail(seen):
        await (news if how == "follow" else wanted())
        raise ValueError("fail")

    subject = Subject(fail)
    await settled()
    if how == "follow":
        subject.eager.follow(lambda: news.set_result(None))
    else:
        getattr(subject.eager, how)()
    with pytest.raises(ValueError, match="fail"):
        await asyncio.wait_for(subject.task, 5)


async def test_one_that_ends_while_its_task_is_being_cancelled_ends_as_a_task_does():
    subject = Subject(lambda seen: asyncio.sleep(0, seen))
    assert await asyncio.wait_for(subject.task, 5) is None
    for failing, outcome in ((False, asyncio.CancelledError), (True, ValueError)):

        async def last(seen, failing=failing):
            await wanted()
            asyncio.current_task().cancel()
            if failing:
                raise ValueError

        subject = Subject(last)
        await settled()
        subject.eager.go_on()
        with pytest.raises(outcome):
            await subject.task


async def test_a_coroutine_whose_task_never_ends_is_closed_with_it():
    ended = []

    async def wait(seen):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    eager = Eager(wait)
    running = eager.run([])
    task = asyncio.create_task(running)
    await settled()
    running.close()
    assert ended == [True]
    eager.go_on()
    eager.go_on_soon()
    eager.follow(lambda: None)
    task.cancel()
    with pytest.raises(RuntimeError):  # its coroutine is no more
        await task


# A task and an Eager in a task are the same to what they run -------------------------------------------------


class OwnFuture(asyncio.Future):
    pass


class Odd:
    def __await__(self):
        yield 42


class World:
    """What a program's waits are for, and who lets them go on."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.other_loop = asyncio.new_event_loop()
        self.pending = None
        self.step = -1

    def future(self, kind=asyncio.Future):
        self.pending = kind(loop=self.loop)
        # Whoever asked for it may have been cancelled before it awaited it.
        self.pending.add_done_callback(lambda answered: answered.cancelled() or answered.exception())
        return self.pending

    def answer(self, step):
        pending, self.pending = self.pending, None
        if pending is not None and not pending.done():
            if step % 3:
                pending.set_result(f"answer {step}")
            else:
                pending.set_exception(ValueError(f"answer {step}"))

    def child(self, stubborn):
        async def live(future):
            try:
                return await future
            except asyncio.CancelledError:
                if not stubborn:
                    raise
                await asyncio.sleep(0)
                return "stubborn"

        return self.loop.create_task(live(self.future()))

    async def timeout(self, seconds):
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timeout"

    async def cancel_myself(self, then):
        asyncio.current_task().cancel("myself")
        if then == "fail":
            raise ValueError("then")
        if then == "wait":
            await self.future()
        await asyncio.sleep(0)

    async def acquire(self):
        """Else a semaphore of Python 3.11 takes its place for granted, and gives back one too many."""
        semaphore = asyncio.Semaphore(1)
        await semaphore.acquire()
        waiting = self.future()
        waiting.add_done_callback(lambda _: semaphore.release())
        async with semaphore:
            return f"acquired {semaphore.locked()}"


OPERATIONS = {
    "pass": lambda world: asyncio.sleep(0, "passed"),
    "future": lambda world: world.future(),
    "own future": lambda world: world.future(OwnFuture),
    "done": lambda world: asyncio.gather(),
    "child": lambda world: world.child(stubborn=False),
    "stubborn child": lambda world: world.child(stubborn=True),
    "group": lambda world: asyncio.gather(world.child(stubborn=True), asyncio.sleep(0)),
    "timeout": lambda world: world.timeout(0.01),
    "no time": lambda world: world.timeout(0),
    "wait_for": lambda world: asyncio.wait_for(world.future(), 0.01),
    "foreign": lambda world: world.other_loop.create_future(),
    "odd": lambda world: Odd(),
    "itself": lambda world: asyncio.current_task(),
    "cancel and wait": lambda world: world.cancel_myself("wait"),
    "cancel and fail": lambda world: world.cancel_myself("fail"),
    "cancel": lambda world: world.cancel_myself("pass"),
    "acquire": lambda world: world.acquire(),
}
STEPS = st.tuples(
    st.sampled_from(sorted(OPERATIONS)),
    st.sampled_from(["go on", "go on", "raise", "uncancel"]),
    st.sampled_from(["", "cancel", "cancel and answer", "answer and cancel"]),
)


async def program(world, steps, log):
    task = asyncio.current_task()
    for number, (operation, then, _) in enumerate(steps):
        world.step = number
        name.set(name.get() + "'")
        try:
            log.append((number, await OPERATIONS[operation](world)))
        except (Exception, asyncio.CancelledError) as error:
            log.append((number, type(error), _text(error), task.cancelling(), asyncio.current_task() is task))
            if then == "raise":
                raise
            if then == "uncancel" and task.cancelling():
                task.uncancel()
    log.append((name.get(), task.cancelling()))


def _text(error):
    return "" if type(error) is RuntimeError else str(error)  # it names the task


async def play(steps, run):
    world, log = World(), []
    task = asyncio.create_task(run(world, steps, log))
    before = -1
    for _ in range(200):
        await settled()
        if task.done():
            break
        how = steps[world.step][2] if world.step > before else ""
        before = world.step
        if how == "answer and cancel":
            world.answer(world.step)
        if how:
            task.cancel("from outside")
        if how != "answer and cancel" and how != "cancel":
            world.answer(world.step)
        await asyncio.sleep(0.004)
    await asyncio.wait([task], timeout=5)
    world.other_loop.close()
    if task.cancelled():
        return log, "cancelled"
    error = task.exception()
    return log, repr(error) if type(error) is not RuntimeError else RuntimeError


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=6))
def test_what_a_coroutine_sees_is_what_it_sees_in_a_task(steps):
    async def in_eager(world, steps, log):
        await Eager(program).run(world, steps, log)

    assert run_virtual(play(steps, in_eager)) == run_virtual(play(steps, program))
