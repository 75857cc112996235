"""An event loop whose clock jumps to the next timer when there is nothing to do: minutes run in milliseconds.

It knows nothing of other threads, so what runs in them must not be tested on it.
"""

import asyncio
import functools
import selectors


class JumpingSelector(selectors.SelectSelector):
    """Never waits. What it would have waited is added to `now`, in seconds."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen on this loop")
            self.now += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)
        self.trouble = []
        self.set_exception_handler(lambda loop, context: self.trouble.append(context))

    def time(self):
        return self._jumping.now


def run(coroutine):
    """Run it in virtual time; what the loop would only have logged is an error."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        result = runner.run(coroutine)
        trouble = runner.get_loop().trouble
    assert not trouble
    return result


def virtual_time(test):
    """Make a test of a coroutine function."""

    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        return run(test(*args, **kwargs))

    return wrapper


async def elapse(seconds):
    """Let virtual time pass."""
    assert isinstance(asyncio.get_running_loop(), VirtualTimeLoop), "a real sleep would only hide a race"
    await asyncio.sleep(seconds)


async def until(condition, timeout_s=5.0):
    """Wait for something that no event announces."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.001)
