"""This process as the others see it: its name, the calls it runs, and its heartbeat."""

import asyncio
import contextvars
import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rtc import registry
from rtc.conf import conf
from rtc.core.events import Expire
from rtc.core.exceptions import Refused
from rtc.database import perform, perform_beside

if TYPE_CHECKING:
    from rtc.calls import Call

logger = logging.getLogger(__name__)

SHUTTING_DOWN = 4503


class LocalWorker:
    """The calls of one event loop, and the row that says it lives.

    The row is made when the first call starts, and beats from then on. `calls` holds live calls by the primary key of
    their session.
    """

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}
        self._row: int | None = None
        self._admitting = 0
        self._enlisting = asyncio.Lock()
        self._heart: asyncio.Task[None] | None = None

    @contextmanager
    def admitting(self) -> Iterator[None]:
        """One session is being admitted.

        Raises:
            Refused: `busy`, when `RTC_ADMISSION_QUEUE` others are.
        """
        if self._admitting >= conf.RTC_ADMISSION_QUEUE:
            raise Refused("busy", SHUTTING_DOWN)
        self._admitting += 1
        try:
            yield
        finally:
            self._admitting -= 1

    def runs(self, worker_pk: int | None) -> bool:
        """Whether that row is this worker's."""
        return worker_pk is not None and worker_pk == self._row

    async def row(self) -> int:
        """The primary key of this worker's row."""
        async with self._enlisting:
            if self._row is None:
                name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
                self._row = await perform(registry.enlist, name, socket.gethostname()[:64], os.getpid())
            if self._heart is None:
                # A context of its own: one born in a request inherits that request's thread, which ends with it.
                loop = asyncio.get_running_loop()
                self._heart = loop.create_task(self._beat(), context=contextvars.Context())
            return self._row

    def find(self, session_id: str) -> "Call | None":
        """The live call with that session id, if it runs here."""
        return next((call for call in self.calls.values() if call.session_id == session_id), None)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(conf.RTC_HEARTBEAT_S)
            try:
                await self.beat()
            except Exception:  # the database is away; the next beat may find it again
                logger.exception("the heartbeat could not be recorded")

    async def beat(self) -> None:
        """Record that this worker lives. Taken for lost meanwhile, it ends its calls: their record has ended."""
        if self._row is None:
            return
        figures = {str(pk): call.sample() for pk, call in self.calls.items()}
        if await perform_beside(registry.beat, self._row, figures):
            return
        logger.error("this worker was taken for lost; its %d sessions are over", len(self.calls))
        self._row = None
        lost = list(self.calls.values())
        await asyncio.gather(
            *(call.report(Expire(reason=registry.WORKER_LOST, close_code=SHUTTING_DOWN)) for call in lost)
        )
        await self.row()


_workers: dict[asyncio.AbstractEventLoop, LocalWorker] = {}


def workers() -> list[tuple[asyncio.AbstractEventLoop, LocalWorker]]:
    """All of this process, each with its event loop."""
    return list(_workers.items())


def local_worker() -> LocalWorker:
    """The worker of the running event loop; a server process has one."""
    loop = asyncio.get_running_loop()
    worker = _workers.get(loop)
    if worker is None:
        for dead in [other for other in _workers if other.is_closed()]:
            del _workers[dead]
        worker = _workers[loop] = LocalWorker()
    return worker
