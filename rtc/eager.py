"""A coroutine that runs in a task, and that others can have go on before all else that the loop is busy with.

A task that is woken waits for its turn on the event loop, behind whatever else is due; a frame and its echo would do so
once more for each task they pass through.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import coroutine
from typing import Any, Final

_UNTIL_WANTED: Final = object()
_PLAIN = (asyncio.Future, asyncio.Task)
_UNCANCEL_RESCINDS: Final = sys.version_info >= (3, 13)
"""Whether `Task.uncancel()` takes back what the coroutine has not been told yet."""


@coroutine
def wanted() -> Generator[Any, None, None]:
    """What an Eager's coroutine awaits when it has nothing to do: `go_on` or `go_on_soon`. Neither is remembered when
    it comes before.
    """
    yield _UNTIL_WANTED


class Eager:
    """Runs a coroutine function in the task that awaits `run()`.

    The coroutine takes its steps, from one wait to the next, in the name of that task: `asyncio.current_task()` is it,
    its cancellation is the coroutine's, `asyncio.timeout()` works. But the task itself sleeps meanwhile: what the
    coroutine waits for calls the next step, or whoever brought that about does, at once.
    """

    _task: asyncio.Task[Any]
    _context: Context

    def __init__(self, function: Callable[..., Coroutine[Any, Any, None]]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._coroutine: Coroutine[Any, Any, None] | None = None
        self._resume = self._step  # one object, to be found again among a future's callbacks
        self._sleep = _Sleep(self._cancel)
        self._waits_for: asyncio.Future[Any] | None = None
        self._strange: Any = None
        self._throw: BaseException | None = None
        self._may_be_rescinded = False
        """Whether `_throw` is a cancellation that nothing but the next step waits for."""
        self._failure: BaseException | None = None
        self.idle = False
        """Whether the coroutine awaits `wanted()`."""

    def go_on(self) -> None:
        """Have an idle coroutine take its next step now. What it raises comes out of `run()`."""
        if self.idle:
            self.idle = False
            self._context.run(self._step)

    def go_on_soon(self) -> None:
        """Have an idle coroutine take its next step when the loop comes to it."""
        if self.idle:
            self.idle = False
            self._step_soon()

    def follow(self, cause: Callable[[], None]) -> None:
        """Call `cause`; if that brings about what the coroutine waits for, it takes its next step now."""
        waits_for = self._waits_for
        if waits_for is None or not waits_for.remove_done_callback(self._resume):
            cause()
            return
        try:
            cause()
        finally:
            if waits_for.done():
                self._context.run(self._step)
            else:
                waits_for.add_done_callback(self._resume, context=self._context)

    async def run(self, *args: Any) -> None:
        """Call the function and run its coroutine, once, in a task."""
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._context = copy_context()
        self._coroutine = self._function(*args)
        try:
            self._step_soon()
            await self._attend()
        finally:
            if self._coroutine is not None:  # the loop was closed
                self._coroutine.close()
                self._coroutine = None

    @coroutine
    def _attend(self) -> Generator[Any, None, None]:
        while True:
            try:
                yield from self._sleep
            except asyncio.CancelledError as error:  # of the task that had been woken
                self._cancel_late(error)
            if self._coroutine is None:
                break
            self._sleep = _Sleep(self._cancel)
            yield from self._leave_to_task()
        if self._failure is not None:
            raise self._failure
        if self._throw is not None:
            raise self._throw

    def _leave_to_task(self) -> Generator[Any, None, None]:
        """The task knows what to do with what the coroutine awaits, or what to say of it."""
        strange, self._strange = self._strange, None
        try:
            if strange is not None:
                yield strange
        except BaseException as error:  # noqa: BLE001 - handed on as it came
            if self._throw is None:
                self._throw, self._may_be_rescinded = error, False
        self._step_soon()

    def _cancel(self, error: asyncio.CancelledError) -> None:
        """As `Task.cancel()`: cancel what the coroutine waits for, if that can be, or else throw in the next step."""
        if self._waits_for is not None and self._waits_for.cancel(*error.args):
            return
        self._throw = error
        self._may_be_rescinded = not self.idle
        self.go_on_soon()  # if it is not idle, its next step is due, or under way

    def _cancel_late(self, error: asyncio.CancelledError) -> None:
        """The same for a task that had been woken, and waits for its turn."""
        if not (asyncio.isfuture(self._strange) and self._strange.cancel(*error.args)):
            self._strange = None
            self._throw = error
            self._may_be_rescinded = True

    def _rescind(self) -> None:
        """Forget a cancellation that was taken back before the coroutine was told, where Python does so."""
        if self._may_be_rescinded and _UNCANCEL_RESCINDS and not self._task.cancelling():
            self._throw = None

    def _step_soon(self) -> None:
        self._loop.call_soon(self._resume, context=self._context)

    def _step(self, _: Any = None) -> None:
        """Run the coroutine to its next wait. In its context."""
        running, loop, task = self._coroutine, self._loop, self._task
        if running is None:  # it was closed, and its task with it
            self._sleep.end()
            return
        self._waits_for = None
        if self._throw is not None:
            self._rescind()
        error, self._throw = self._throw, None
        outer = asyncio.current_task(loop)
        if outer is not None:
            asyncio._leave_task(loop, outer)
        asyncio._enter_task(loop, task)
        try:
            awaited = running.send(None) if error is None else running.throw(error)
        except BaseException as raised:  # noqa: BLE001 - the task raises it
            self._coroutine = None
            self._failure = None if isinstance(raised, StopIteration) else raised
            self._sleep.end()
            return
        finally:
            asyncio._leave_task(loop, task)
            if outer is not None:
                asyncio._enter_task(loop, outer)
            if self._throw is not None:
                self._rescind()
        self._wait_for(awaited)

    def _wait_for(self, awaited: Any) -> None:
        if awaited is _UNTIL_WANTED:
            self.idle = True
            if self._throw is not None:
                self._may_be_rescinded = False
                self.go_on_soon()
        elif awaited is None:
            self._step_soon()
        elif type(awaited) in _PLAIN and awaited._asyncio_future_blocking and self._could_wait_for(awaited):
            awaited._asyncio_future_blocking = False
            self._waits_for = awaited
            awaited.add_done_callback(self._resume, context=self._context)
        else:
            self._strange = awaited
            self._sleep.end()
        if self._throw is None or not asyncio.isfuture(awaited):
            return
        if self._could_wait_for(awaited) and awaited.cancel(*self._throw.args):
            self._throw = None

    def _could_wait_for(self, future: asyncio.Future[Any]) -> bool:
        return future.get_loop() is self._loop and future is not self._task


class _Sleep(asyncio.Future[None]):
    """What the task waits for, until it has something to do itself. Its cancellation is another's."""

    def __init__(self, cancelled: Callable[[asyncio.CancelledError], None]) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._cancelled = cancelled

    def cancel(self, msg: Any = None) -> bool:
        if self.done():
            return False
        self._cancelled(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True

    def end(self) -> None:
        if not self.done():
            self.set_result(None)
