"""Timers of one session. An idle timer that is pushed back 50 times a second costs one assignment each time."""

import asyncio
from collections.abc import Callable


class IdleTimer:
    """Calls `expired` once nothing has been heard for `timeout_s` seconds.

    Args:
        last_heard: when something was heard last, on the loop's clock.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, last_heard: Callable[[], float], expired: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._last_heard = last_heard
        self._expired = expired
        self._timeout_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, timeout_s: float | None) -> None:
        """Begin, or go on with another timeout; None: never expire."""
        self.cancel()
        if timeout_s is not None:
            self._timeout_s = timeout_s
            self._timer = self._loop.call_later(timeout_s, self._look)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        due = self._last_heard() + self._timeout_s
        if due > self._loop.time():
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._timer = None
            self._expired()


class TimeLimit:
    """Calls `up` once the time is up, and `over` after a grace, if it was not cancelled until then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, up: Callable[[], None], over: Callable[[], None]) -> None:
        self._loop = loop
        self._up = up
        self._over = over
        self._timer: asyncio.TimerHandle | None = None

    def start(self, limit_s: float, grace_s: float) -> None:
        self._timer = self._loop.call_later(limit_s, self._time_is_up, grace_s)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _time_is_up(self, grace_s: float) -> None:
        self._timer = self._loop.call_later(grace_s, self._over)
        self._up()
