"""Keeps what many sessions do at the same moment from holding up the audio of others."""

import asyncio
from weakref import WeakKeyDictionary

_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def turn() -> None:
    """Wait until the event loop has looked after everything else since the last one who came here had a turn."""
    async with _lines.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        await asyncio.sleep(0)
