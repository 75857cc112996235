"""Timers of one session. An idle timer that is pushed back 50 times a second costs one assignment each time."""

import asyncio
import math
from collections.abc import Callable

STALL_S = 1.0
"""How late a timer is when the process stood still, as one on a machine that was suspended does."""
CATCH_UP_S = 1.0
"""How long it then has to read what was said meanwhile, and to find out whether its sessions have ended for others."""


class IdleTimer:
    """Calls `expired` once nothing has been heard for `timeout_s` seconds; a little later if the process stood still at
    that time.

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
            self._look_at(self._loop.time() + timeout_s)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, due: float) -> None:
        self._timer = self._loop.call_at(due, self._look, due)

    def _look(self, expected_at: float) -> None:
        now = self._loop.time()
        due = self._last_heard() + self._timeout_s
        if due > now:
            self._look_at(due)
        elif now - expected_at > STALL_S:
            self._timer = self._loop.call_later(CATCH_UP_S, self._look, math.inf)  # however late that is
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
