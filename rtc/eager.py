"""Begins a coroutine in the name of a task that waits, without waking it: what Python 3.12's eager tasks do when a task
is made, for a task that lives on.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any


class Begun:
    """A coroutine that has run to where it first waits. Its task awaits the rest of it, once."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: asyncio.Future[Any] | None) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._error: BaseException | None = None
        if waits_for is not None:
            waits_for._asyncio_future_blocking = False  # as a task does at once: others may await it meanwhile

    def cancel(self, error: asyncio.CancelledError) -> None:
        """Its task was cancelled before it awaited this: so is what the coroutine waits for, as if it had."""
        if self._waits_for is None or not self._waits_for.cancel():
            self._error = error

    def __await__(self) -> Generator[Any, None, None]:
        """What `yield from` does (PEP 380), which can't enter in the middle."""
        error, waits_for = self._error, self._waits_for
        if waits_for is not None:
            waits_for._asyncio_future_blocking = error is None
        while True:
            if error is None:
                try:
                    yield waits_for
                except BaseException as thrown:  # noqa: BLE001 - handed on as it came
                    error = thrown
            try:
                waits_for = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
            except StopIteration:
                return
            error = None


def begin(coroutine: Coroutine[Any, Any, Any], task: asyncio.Task[Any], context: Context) -> Begun | None:
    """Run a coroutine to where it first waits, as if `task`, which waits meanwhile, had awaited it; None when it is
    through. On that task's event loop.

    Args:
        context: the one that the task was made with.

    Raises:
        BaseException: what the coroutine lets out.
    """
    loop = task.get_loop()
    outer = asyncio.current_task()
    if outer is not None:
        asyncio._leave_task(loop, outer)
    asyncio._enter_task(loop, task)
    try:
        return Begun(coroutine, context.run(coroutine.send, None))
    except StopIteration:
        return None
    finally:
        asyncio._leave_task(loop, task)
        if outer is not None:
            asyncio._enter_task(loop, outer)
