"""Keeps what many sessions do at the same moment from holding up the audio of others."""

import asyncio
from weakref import WeakKeyDictionary


class OneAtATime:
    """A line to wait in: between two turns the event loop looks after everything else."""

    def __init__(self) -> None:
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def next(self) -> None:
        """Wait until whoever came before has had a turn, and the loop has done what was due then."""
        async with self._lines.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await asyncio.sleep(0)
