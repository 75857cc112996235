"""Two ways to run a handler's callbacks: as tasks on the event loop, or in the session's own threads (`rtc.threads`).

Both own what they start, report what the user's code raises as `HandlerError`, and never let a handler that has nothing
to say spin: an `emit` that returns None at once is called again when the next input frame has been received, or after a
pause that doubles from 20 to 200 ms.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from types import CoroutineType
from typing import Any, Protocol

from rtc.core.exceptions import HandlerError
from rtc.eager import Eager, wanted
from rtc.handlers import AsyncStreamHandler, HandlerBase
from rtc.intake import Intake
from rtc.wakeup import Wakeup

SHORTEST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.2
APART_S = 0.005
"""Frames that come closer together than this wake a task: a burst must not keep the loop from others."""


class Taken(Enum):
    """What became of an emission that was not played."""

    NOTHING = "nothing"
    """There was nothing in it."""
    OVER = "over"
    """Nothing more is taken: stop."""


Deliver = Callable[[Any], Awaitable[Taken | None]]
"""Takes one emission; None when that took its time, or was of use."""


class Driver(Protocol):
    @property
    def arrived(self) -> Callable[[], None]:
        """Call it when the intake has one more payload."""

    def start(
        self, tasks: asyncio.TaskGroup, intake: Intake, deliver: Deliver, start_up_hold_s: float
    ) -> list[asyncio.Task[None]]:
        """Run the handler until the group is cancelled, in these tasks; one raises HandlerError when it fails."""

    async def shutdown(self) -> None:
        """Stop what still runs and call the handler's `shutdown`."""


def failure(where: str, error: BaseException) -> HandlerError:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the user's `__str__`
        text = "(its text can't be read)"
    return HandlerError(where, f"{type(error).__name__}: {text}")


@contextmanager
def blaming(where: str) -> Iterator[None]:
    """Whatever the user's code lets out becomes a HandlerError, `exit()` too; but for the cancellation of the task it
    runs in.
    """
    try:
        yield
    except HandlerError:
        raise
    except (Exception, SystemExit) as error:
        raise failure(where, error) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise failure(where, error) from error


class Throttle:
    """How long to leave a handler alone that had nothing to say. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._pause_s = SHORTEST_PAUSE_S

    def busy(self) -> None:
        self._pause_s = SHORTEST_PAUSE_S

    def pause_s(self, spent_s: float) -> float:
        """The pause after an `emit` that took `spent_s` to return nothing; 0.0 when it waited long enough by itself."""
        if spent_s >= SHORTEST_PAUSE_S:
            self._pause_s = SHORTEST_PAUSE_S
            return 0.0
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s - spent_s


class TaskDriver:
    """Runs an `AsyncStreamHandler` as tasks on the event loop.

    A frame that comes while `receive` is idle is taken at once, and so is what `receive` made `emit` go on with: what
    else the loop is busy with would come between.
    """

    def __init__(self, handler: AsyncStreamHandler) -> None:
        self._handler = handler
        self._clock = asyncio.get_running_loop().time
        self._receiving = Eager(self._receive)
        self._emitting = Eager(self._emit)
        self._taken_at = 0.0
        self._received = Wakeup()
        self._started = asyncio.Event()

    def start(
        self, tasks: asyncio.TaskGroup, intake: Intake, deliver: Deliver, start_up_hold_s: float
    ) -> list[asyncio.Task[None]]:
        return [
            tasks.create_task(self._start_up()),
            tasks.create_task(self._receiving.run(intake, start_up_hold_s)),
            tasks.create_task(self._emitting.run(deliver)),
        ]

    def arrived(self) -> None:
        now = self._clock()
        if self._receiving.idle and now - self._taken_at >= APART_S:
            self._taken_at = now
            self._emitting.follow(self._receiving.go_on)
        else:
            self._receiving.go_on_soon()

    async def shutdown(self) -> None:
        try:
            result = self._handler.shutdown()
            if inspect.isawaitable(result):
                await result
        finally:
            await self._handler._unbind()

    async def _start_up(self) -> None:
        with blaming("start_up"):
            starting: Any = self._handler.start_up()
            if starting is None:
                raise _not_async("start_up")
            await starting
        self._started.set()

    # A handler may swallow its cancellation: so the loops ask for it.

    async def _receive(self, intake: Intake, hold_s: float) -> None:
        with suppress(TimeoutError):  # a start_up that goes on as long as the session
            async with asyncio.timeout(hold_s):
                await self._started.wait()
        cancelling = current_task().cancelling
        with blaming("receive"):
            while not cancelling():
                frame = intake.get()
                if frame is None:
                    await wanted()
                    continue
                receiving: Any = self._handler.receive(frame)
                if receiving is None:
                    raise _not_async("receive")
                await receiving
                self._received.set()
                if intake:
                    await asyncio.sleep(0)  # a backlog must not keep the loop from others

    async def _emit(self, deliver: Deliver) -> None:
        throttle = Throttle()
        emit = self._handler.emit
        cancelling = current_task().cancelling
        with blaming("emit"):
            while not cancelling():
                began = self._clock()
                emitting: Any = emit()
                if emitting is None:
                    raise _not_async("emit")
                taken = await deliver(await emitting)
                if taken is None:
                    throttle.busy()
                elif taken is Taken.OVER:
                    return
                elif pause_s := throttle.pause_s(self._clock() - began):
                    await self._received.wait_for(pause_s)


def _not_async(name: str) -> TypeError:
    return TypeError(f"{name}() of this handler is awaited: write `async def {name}`, and await super().{name}()")


def refuse_coroutine(name: str, result: Any) -> None:
    """Raises: TypeError, when a callback that should be a plain function is async."""
    if type(result) is CoroutineType:
        result.close()
        raise TypeError(f"{name}() of this handler is not awaited: write `def {name}`")


def reset(handler: HandlerBase) -> None:
    """Call `reset()`, on the event loop. Raises: HandlerError."""
    with blaming("reset"):
        refuse_coroutine("reset", handler.reset())  # type: ignore[func-returns-value]


def current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # these coroutines run in tasks alone
    return task
