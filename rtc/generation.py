"""One call of a reply function: a function or a generator, sync or async, whose emissions are taken one at a time."""

import asyncio
import contextvars
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from rtc.core.exceptions import HandlerError
from rtc.drivers import blaming
from rtc.functions import is_async
from rtc.own_thread import OwnThread
from rtc.wakeup import Wakeup

logger = logging.getLogger(__name__)

END: Final = object()
"""Instead of an emission: there are no more."""


class Generation:
    """Runs a function from now on. A generator is gone on with only when its next emission is asked for.

    What is async runs as a task on the loop, all else in a thread of its own.

    Args:
        fn: what is called.
        arguments: awaited for what it is called with.
        session_id: for the log.
    """

    def __init__(self, fn: Callable[..., Any], arguments: Callable[[], Awaitable[tuple[Any, ...]]], session_id: str):
        self._fn = fn
        self._arguments = arguments
        self._session_id = session_id
        self._item: Any = END
        self._there = Wakeup()
        self._wanted = Wakeup()
        self._handed = False
        self._over = False
        self._stopped = False
        self._error: HandlerError | None = None
        self.task = asyncio.get_running_loop().create_task(self._run())

    async def next(self) -> Any:
        """The next emission, or END.

        Raises:
            HandlerError: the function raised; that is its end.
        """
        if self._handed:
            self._handed = False
            self._wanted.set()
        while not self._handed and not self._over and not self._stopped:
            await self._there.wait()
        if self._handed and not self._stopped:
            return self._item
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return END

    def stop(self) -> None:
        """Take no more of it. What is async is cancelled where it is; a sync generator is closed in its thread, as
        soon as it gives control.
        """
        self._stopped = True
        self._there.set()
        if not self._over:
            self.task.cancel()

    async def _run(self) -> None:
        try:
            with blaming("fn"):
                arguments = await self._arguments()
                await (self._take(self._fn(*arguments)) if is_async(self._fn) else self._run_in_thread(arguments))
        except HandlerError as error:
            if self._stopped:
                cause = error.__cause__ or error
                logger.error("session %s, in a reply that was stopped: %s", self._session_id, error, exc_info=cause)
            else:
                self._error = error
        finally:
            self._over = True
            self._there.set()

    async def _take(self, result: Any) -> None:
        """Hand over what an async function returned, or a coroutine or async generator does."""
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, AsyncIterator):
            try:
                async for item in result:
                    if self._stopped:  # it swallowed its cancellation
                        break
                    await self._hand(item)
            finally:
                if inspect.isasyncgen(result):
                    await result.aclose()
        elif isinstance(result, Iterator):
            await self._run_in_thread((), lambda: result)
        elif result is not None:
            await self._hand(result)

    async def _run_in_thread(self, arguments: tuple[Any, ...], fn: Callable[..., Any] | None = None) -> None:
        thread = OwnThread("fn")
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()

        def run(call: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
            return loop.run_in_executor(thread, context.run, call, *args)

        try:
            result = await run(fn or self._fn, *arguments)
            if isinstance(result, Iterator):
                await self._take_iterator(result, run)
            else:
                await self._take(result)
        finally:
            thread.shutdown()

    async def _take_iterator(self, iterator: Iterator[Any], run: Callable[..., "asyncio.Future[Any]"]) -> None:
        try:
            while (item := await run(next, iterator, END)) is not END and not self._stopped:
                await self._hand(item)
        finally:
            if inspect.isgenerator(iterator):
                # Behind what the thread may be in the middle of. A second cancellation gives up waiting for it.
                await asyncio.shield(run(iterator.close))

    async def _hand(self, item: Any) -> None:
        self._item = item
        self._handed = True
        self._there.set()
        await self._wanted.wait()


async def wait_until_over(generations: list[Generation], timeout_s: float) -> int:
    """Wait for generations that were stopped; those that have not ended by then are left alone.

    Returns: how many those are.
    """
    if not generations:
        return 0
    _, stuck = await asyncio.wait([generation.task for generation in generations], timeout=timeout_s)
    for task in stuck:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return len(stuck)
