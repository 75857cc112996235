"""A reason to wake up, for one waiting task."""

import asyncio


class Wakeup:
    """Lets one task wait until another part of the loop has something for it. `set()` before `wait()` is not lost."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Wait until set; then it is unset again."""
        while not self._set:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._set = False

    async def wait_for(self, timeout_s: float) -> None:
        """The same, for `timeout_s` seconds at the most."""
        timer = self._loop.call_later(timeout_s, self.set)
        try:
            await self.wait()
        finally:
            timer.cancel()
