"""Virtual time for tests: see `rtc.testing.clock`."""

import asyncio

from rtc.testing import VirtualTimeLoop, run_virtual, until, virtual_time

__all__ = ["elapse", "run_virtual", "until", "virtual_time"]


async def elapse(seconds):
    """Let virtual time pass."""
    assert isinstance(asyncio.get_running_loop(), VirtualTimeLoop), "a real sleep would only hide a race"
    await asyncio.sleep(seconds)
