"""Two ways to run a handler's callbacks: as tasks on the event loop, or in threads of the session's own.

Both own what they start, report what the user's code raises as `HandlerError`, and never let a handler that has nothing
to say spin: an `emit` that returns None at once is called again when the next input frame has been received, or after a
pause that doubles from 20 to 200 ms.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any, Protocol

from rtc.core.exceptions import HandlerError
from rtc.handlers import AsyncStreamHandler
from rtc.intake import Intake
from rtc.wakeup import Wakeup

SHORTEST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.2


class Taken(Enum):
    """What became of an emission."""

    PLAYED = "played"
    """It took its time, or was of use."""
    NOTHING = "nothing"
    """There was nothing in it."""
    OVER = "over"
    """Nothing more is taken: stop."""


Deliver = Callable[[Any], Awaitable[Taken]]
"""Takes one emission."""


class Driver(Protocol):
    @property
    def arrived(self) -> Callable[[], None]:
        """Call it when the intake has one more payload."""

    def start(self, tasks: asyncio.TaskGroup, intake: Intake, deliver: Deliver, start_up_hold_s: float) -> None:
        """Run the handler until the group is cancelled; a task of the group raises HandlerError when it fails."""

    async def shutdown(self) -> None:
        """Stop what still runs and call the handler's `shutdown`."""


def failure(where: str, error: BaseException) -> HandlerError:
    return HandlerError(where, f"{type(error).__name__}: {error}")


@contextmanager
def blaming(where: str) -> Iterator[None]:
    """Whatever the user's code lets out becomes a HandlerError; but for the cancellation of the task it runs in."""
    try:
        yield
    except HandlerError:
        raise
    except Exception as error:
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
    """Runs an `AsyncStreamHandler` as tasks on the event loop."""

    def __init__(self, handler: AsyncStreamHandler) -> None:
        self._handler = handler
        self._frame_there = Wakeup()
        self.arrived = self._frame_there.set
        self._received = Wakeup()
        self._started = asyncio.Event()

    def start(self, tasks: asyncio.TaskGroup, intake: Intake, deliver: Deliver, start_up_hold_s: float) -> None:
        tasks.create_task(self._start_up())
        tasks.create_task(self._receive(intake, start_up_hold_s))
        tasks.create_task(self._emit(deliver))

    async def shutdown(self) -> None:
        result = self._handler.shutdown()
        if inspect.isawaitable(result):
            await result

    async def _start_up(self) -> None:
        with blaming("start_up"):
            await self._handler.start_up()
        self._started.set()

    # A handler may swallow its cancellation: so the loops ask for it.

    async def _receive(self, intake: Intake, hold_s: float) -> None:
        with suppress(TimeoutError):  # a start_up that goes on as long as the session
            async with asyncio.timeout(hold_s):
                await self._started.wait()
        receive = self._handler.receive
        cancelling = current_task().cancelling
        with blaming("receive"):
            while not cancelling():
                await self._frame_there.wait()
                frame = intake.get()
                if frame is None:
                    continue
                await receive(frame)
                self._received.set()
                if intake:
                    self._frame_there.set()
                    await asyncio.sleep(0)  # a backlog must not keep the loop from others

    async def _emit(self, deliver: Deliver) -> None:
        throttle = Throttle()
        clock = asyncio.get_running_loop().time
        emit = self._handler.emit
        cancelling = current_task().cancelling
        with blaming("emit"):
            while not cancelling():
                began = clock()
                taken = await deliver(await emit())
                if taken is Taken.PLAYED:
                    throttle.busy()
                elif taken is Taken.OVER:
                    return
                elif pause_s := throttle.pause_s(clock() - began):
                    await self._received.wait_for(pause_s)


def current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # these coroutines run in tasks alone
    return task
