"""An event loop whose clock jumps to the next timer when there is nothing to do: minutes run in milliseconds.

While something happens outside the loop its clock is the real one: a job in an executor (`asyncio.to_thread`,
`sync_to_async`), or an open connection. It can't know of threads that were started otherwise, and jumps past them.
"""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

from rtc.voice_activity import run_inline

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

POLL_S = 0.001


class JumpingSelector(selectors.DefaultSelector):
    """Waits only for what happens outside the loop. What it would have waited besides is added to `now_s`."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self._jobs = 0
        self._counted_at = time.monotonic()

    def job_started(self) -> None:
        if not self._is_busy_outside():
            self._counted_at = time.monotonic()
        self._jobs += 1

    def job_done(self) -> None:
        self._jobs -= 1

    def select(self, timeout: float | None = None) -> Any:
        if self._is_busy_outside():
            ready = super().select(timeout)
            counted_at, self._counted_at = self._counted_at, time.monotonic()
            self.now_s += self._counted_at - counted_at
            return ready
        self._counted_at = time.monotonic()
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen on this loop: all tasks wait, and no timer is set")
            self.now_s += max(0.0, timeout)
        return ready

    def _is_busy_outside(self) -> bool:
        return self._jobs > 0 or len(self.get_map()) > 1  # one is the socket that wakes the loop itself


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its time starts at 0.0. `trouble` holds what other loops would only log."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)
        self.trouble: list[dict[str, Any]] = []
        self.set_exception_handler(lambda loop, context: self.trouble.append(context))

    def time(self) -> float:
        return self._jumping.now_s

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        self._jumping.job_started()
        try:
            future = super().run_in_executor(executor, func, *args)
        except BaseException:  # the executor was shut down, for one
            self._jumping.job_done()
            raise
        future.add_done_callback(self._job_done)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        self._jumping.job_started()  # a thread that run_in_executor() knows nothing of
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._jumping.job_done()

    def _job_done(self, future: "asyncio.Future[Any]") -> None:
        self._jumping.job_done()


def run_virtual(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in virtual time.

    Raises:
        RuntimeError: for what other loops would only log, such as a task's exception that nobody looked at.
    """
    token = run_inline.set(True)
    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            result = runner.run(coroutine)
            loop = runner.get_loop()
    finally:
        run_inline.reset(token)
    assert isinstance(loop, VirtualTimeLoop)
    if loop.trouble:
        raise RuntimeError(loop.trouble[0]["message"]) from loop.trouble[0].get("exception")
    return result


def virtual_time(test: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Make a test of a coroutine function; it runs in virtual time."""

    @functools.wraps(test)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        return run_virtual(test(*args, **kwargs))

    return wrapper


async def until(condition: Callable[[], Any], timeout_s: float = 5.0) -> None:
    """Wait for something that no event announces. Raises: TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(POLL_S)
