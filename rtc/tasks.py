"""Tasks that have an owner: kept until they are done, and heard when they fail."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """Owns tasks.

    Args:
        failed: called with what a task raised.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, coroutine: Coroutine[Any, Any, None], context: contextvars.Context | None = None
    ) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def settle(self) -> None:
        """Wait until none is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)


async def unless_given_up(coroutine: Coroutine[Any, Any, None], given_up: "asyncio.Future[None]") -> None:
    """Await it, in a task of its own. Once `given_up` is done, what goes on of it, cancelled or not, is left alone.

    Raises:
        BaseException: what the coroutine or `given_up` failed with.
        CancelledError: this was cancelled, though the coroutine may have come to its end all the same.
    """
    task = asyncio.ensure_future(coroutine)
    either = task, given_up
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        await (task if task.done() else given_up)  # what it failed with comes first
        raise
    await (task if task.done() else given_up)
