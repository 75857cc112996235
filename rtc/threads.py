"""Runs a `StreamHandler`, whose callbacks may block, in threads of the session's own.

One thread a callback and session, not one hop to a pool a frame: a pool of any size fills up with handlers that wait in
`queue.get()`, and a hop costs more than the frame. The threads are daemons: a callback that never returns must not keep
the process alive.
"""

import asyncio
import contextvars
import inspect
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

import numpy as np

from rtc.context import SessionOver
from rtc.core.exceptions import HandlerError
from rtc.database import OwnConnections
from rtc.drivers import Deliver, Taken, Throttle, failure, refuse_coroutine
from rtc.handlers import StreamHandler
from rtc.intake import Intake

logger = logging.getLogger(__name__)

JOIN_S = 0.5
"""How long a callback may take to return once its session is over, before it is given a frame to wake it."""


class ThreadDriver:
    """See the module. `arrived` is called on the event loop, all else of the handler in its threads."""

    def __init__(self, handler: StreamHandler) -> None:
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._frames_there: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._received = threading.Event()
        self._started = threading.Event()
        self._running: dict[str, asyncio.Future[None]] = {}
        self._watched = True

    def arrived(self) -> None:
        self._frames_there.put(None)

    def start(
        self, tasks: asyncio.TaskGroup, intake: Intake, deliver: Deliver, start_up_hold_s: float
    ) -> list[asyncio.Task[None]]:
        self._start("start_up", self._start_up)
        self._start("receive", lambda: self._receive(intake, start_up_hold_s))
        self._start("emit", lambda: self._emit(deliver))
        return [tasks.create_task(self._watch())]

    async def shutdown(self) -> None:
        self._stopping.set()
        self._received.set()
        self._started.set()
        self._frames_there.put(None)
        await self._join(JOIN_S / 5)
        await asyncio.wait([self._start("shutdown", self._shutdown)])
        if await self._join(JOIN_S):
            return
        # A callback that waits for audio that no longer comes, as `emit` of an echo does in `queue.get()`.
        self._start("last receive", self._wake)
        if not await self._join(JOIN_S):
            stuck = ", ".join(self._running)
            logger.warning(
                "session %s is over, but its handler has not returned from %s", self._handler.bound_session.id, stuck
            )

    def _start(self, name: str, target: Callable[[], None]) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = self._loop.create_future()
        context = contextvars.copy_context()
        self._running[name] = future
        future.add_done_callback(lambda _: self._running.pop(name, None))
        arguments = name, future, context, target
        thread = threading.Thread(target=self._report, args=arguments, name=f"rtc {name}", daemon=True)
        thread.start()
        return future

    def _report(
        self, name: str, future: "asyncio.Future[None]", context: contextvars.Context, target: Callable[[], None]
    ) -> None:
        try:
            context.run(target)
        except HandlerError as error:
            self._settle(future, error)
        except CancelledError:
            self._settle(future, None)  # the loop ended while it took an emission
        except BaseException as error:  # noqa: BLE001 - whatever ends a thread, its session must hear of it
            blamed = failure(name, error)
            blamed.__cause__ = error
            self._settle(future, blamed)
        else:
            self._settle(future, None)

    def _settle(self, future: "asyncio.Future[None]", error: HandlerError | None) -> None:
        def settle() -> None:
            if future.done():  # the waiting for it was cancelled
                return
            if error is not None and self._watched:
                future.set_exception(error)
                return
            if error is not None and not isinstance(error.__cause__, SessionOver):
                logger.error("session %s, after its end: %s", self._handler.bound_session.id, error, exc_info=error)
            future.set_result(None)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)

    async def _watch(self) -> None:
        """Raise what a thread failed with. Threads can't be cancelled, so neither are their futures."""
        try:
            done, _ = await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_EXCEPTION)
        finally:
            self._watched = False
        for future in done:
            future.result()

    async def _join(self, timeout_s: float) -> bool:
        """True when no thread is left."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=timeout_s)
        return not self._running

    # In the threads ------------------------------------------------------------------------------------------

    def _start_up(self) -> None:
        with OwnConnections(), blaming_thread("start_up"):
            refuse_coroutine("start_up", self._handler.start_up())  # type: ignore[func-returns-value]
        self._started.set()

    def _receive(self, intake: Intake, hold_s: float) -> None:
        self._started.wait(hold_s)
        with OwnConnections() as connections, blaming_thread("receive"):
            while True:
                self._frames_there.get()
                if self._stopping.is_set():
                    return
                if (frame := intake.get()) is not None:
                    refuse_coroutine("receive", self._handler.receive(frame))  # type: ignore[func-returns-value]
                    self._received.set()
                connections.tidy()

    def _emit(self, deliver: Deliver) -> None:
        with OwnConnections() as connections:
            self._emit_on(deliver, connections)

    def _emit_on(self, deliver: Deliver, connections: OwnConnections) -> None:
        throttle = Throttle()
        while not self._stopping.is_set():
            connections.tidy()
            began = time.monotonic()
            with blaming_thread("emit"):
                emission: Any = self._handler.emit()
                refuse_coroutine("emit", emission)
            if self._stopping.is_set():
                return
            taken: Taken | None = Taken.NOTHING
            if emission is not None:
                taken = asyncio.run_coroutine_threadsafe(_called(deliver, emission), self._loop).result()
            if taken is None:
                throttle.busy()
            elif taken is Taken.OVER:
                return
            elif pause_s := throttle.pause_s(time.monotonic() - began):
                self._received.wait(pause_s)
                self._received.clear()

    def _shutdown(self) -> None:
        with OwnConnections(), blaming_thread("shutdown"):
            result = self._handler.shutdown()
            if inspect.iscoroutine(result):
                asyncio.run_coroutine_threadsafe(result, self._loop).result()

    def _wake(self) -> None:
        rate = self._handler.input_sample_rate
        with OwnConnections(), blaming_thread("receive"):
            self._handler.receive((rate, np.zeros((1, rate // 50), np.int16)))


@contextmanager
def blaming_thread(where: str) -> Iterator[None]:
    """Whatever the user's code lets out becomes a HandlerError; `exit()` in a handler ends its session, no more."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise failure(where, error) from error


async def _called(deliver: Deliver, emission: Any) -> Taken | None:
    return await deliver(emission)
