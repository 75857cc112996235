"""SIGTERM: the worker drains before the server, whose signal it is, hears of it.

ASGI has no word for this. Servers that take signals with `signal.signal`, as Daphne and uvicorn do, have done so before
they run an application, so ours is put over theirs and passes it on. SIGINT stays with the server: it stops at once.
"""

import asyncio
import atexit
import os
import signal
import threading
from types import FrameType
from typing import Any

from rtc import outputs, registry
from rtc.database import perform_soon
from rtc.ordered import leave
from rtc.worker import SHUTTING_DOWN, LocalWorker


class Termination:
    """Takes SIGTERM for one worker. The second one goes straight to the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, worker: LocalWorker, server: Any) -> None:
        self._loop = loop
        self._worker = worker
        self._server = server
        self._asked = False
        self._stopping: asyncio.Task[None] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._asked or self._loop.is_closed():
            self._server(number, frame)
            return
        self._asked = True
        self._loop.call_soon_threadsafe(self._stop, number)

    def _stop(self, number: int) -> None:
        self._stopping = self._loop.create_task(self._drain_and_stop())
        self._stopping.add_done_callback(lambda stopped: self._server(number, None))

    async def _drain_and_stop(self) -> None:
        await asyncio.wait([self._worker.drain()])
        leave()
        await self._worker.stop()
        outputs.close()  # uvicorn waits for whoever reads


def install(worker: LocalWorker) -> None:
    """Have SIGTERM drain this worker first, where a server takes that signal. On its event loop."""
    if threading.current_thread() is not threading.main_thread():
        return
    server = signal.getsignal(signal.SIGTERM)
    if not callable(server) or isinstance(server, Termination):
        return
    signal.signal(signal.SIGTERM, Termination(asyncio.get_running_loop(), worker, server))
    atexit.register(_retire, worker, os.getpid())


def _retire(worker: LocalWorker, pid: int) -> None:
    """At exit, on whichever way, behind all records; `rtc.ordered` waits for it."""
    row = worker.give_up()
    if row is not None and os.getpid() == pid:
        perform_soon(registry.retire, row, SHUTTING_DOWN)
