"""This process as the others see it: its name, the calls it runs, and its heartbeat."""

import asyncio
import contextvars
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import Error

from rtc import interpreter, registry
from rtc.conf import conf
from rtc.core.exceptions import Refused
from rtc.core.session import COME_AGAIN
from rtc.database import perform, perform_beside, perform_soon, tidy_shared_thread
from rtc.found_full import FoundFull
from rtc.journal import journal
from rtc.lag import CpuProbe, LagProbe
from rtc.post import local_post
from rtc.sampling import FiguresOfCalls
from rtc.strays import Strays
from rtc.tally import tally
from rtc.tasks import Tasks
from rtc.undoing import perform_or_undo

if TYPE_CHECKING:
    from rtc.calls import Call

logger = logging.getLogger(__name__)

DRAINING = "draining"
SHUTTING_DOWN = "shutting_down"
DRAIN_POLL_S = 0.1
EXPEL_TIMEOUT_S = 2.0
"""How long ending all calls may take: some servers wait for a client that does not read."""
RETIRE_TIMEOUT_S = 5.0
RETRY_S = 0.25
"""How soon a beat that failed is tried again."""


class LocalWorker:
    """The calls of one event loop, and the row that says it lives.

    The row is made when the first call starts, and beats from then on. `calls` holds live calls by the primary key of
    their session. Others end the sessions of a worker whose row has been silent for `RTC_WORKER_LOST_S`; one that can't
    reach the database ends its own before that, so that no session goes on that is over for all others.

    `failing`: the last beat could not be recorded. `found_tables`: the database was seen to be migrated. `found_full`:
    which limits were reached when a session wanted to start.
    """

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}
        self.lag = LagProbe()
        self.found_full = FoundFull()
        self._cpu = CpuProbe()
        self._strays = Strays()
        self._figures = FiguresOfCalls()
        self._row: int | None = None
        self._renewed_at = 0.0
        self._told_at = 0.0
        self._admitting = 0
        self._enlisting = asyncio.Lock()
        self._heart: asyncio.Task[None] | None = None
        self.failing = False
        self.found_tables = False
        self._beating: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._tasks = Tasks(_log_failure)

    # New sessions --------------------------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return self._draining is not None

    @property
    def overloaded(self) -> bool:
        return conf.RTC_MAX_LAG_MS is not None and self.lag.lag_ms >= conf.RTC_MAX_LAG_MS

    def refuse_when_draining(self) -> None:
        """Raises: Refused: `draining`."""
        if self.draining:
            raise Refused(DRAINING, COME_AGAIN, text="This server is about to stop. Come again.")

    @contextmanager
    def admitting(self) -> Iterator[None]:
        """One session is being admitted.

        Raises:
            Refused: `draining`; `overloaded`, when the event loop is late; `busy`, when `RTC_ADMISSION_QUEUE` others
                are being admitted.
        """
        self.refuse_when_draining()
        if self.overloaded:
            raise Refused("overloaded", COME_AGAIN, text="This server is overloaded. Come again.")
        if self._admitting >= conf.RTC_ADMISSION_QUEUE:
            raise Refused("busy", COME_AGAIN, text="This server is busy. Come again.")
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
            loop = asyncio.get_running_loop()
            if self._row is None:
                interpreter.settle()
                post = local_post()
                post.open()
                host, pid = socket.gethostname(), os.getpid()
                name = f"{host}:{pid}:{secrets.token_hex(4)}"
                asked_at = loop.time()
                more = {"version": conf.RTC_VERSION[:32], "mailbox": post.address}
                enlist = partial(registry.enlist, name, host[:64], pid, **more)
                self._row = await perform_or_undo(_retire_late, enlist)
                self._renewed_at = asked_at
            elif not self.calls and loop.time() - self._renewed_at > conf.RTC_LEASE_S and self._rests:
                # Without sessions it renews at each heartbeat only: the first one shall not start with half a lease.
                self._beating = self._own(self._try(self._tell(registry.renew)))
            if self._heart is None:
                self._heart = self._own(self._live())
            return self._row

    # The heartbeat -------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Look at the clock, at least every `RTC_LEASE_S`; what may take long is left to other tasks."""
        loop = asyncio.get_running_loop()
        while True:
            wake_at = loop.time() + (RETRY_S if self.failing else min(conf.RTC_LEASE_S, conf.RTC_HEARTBEAT_S))
            await asyncio.sleep(wake_at - loop.time())
            self.lag.note(loop.time() - wake_at)
            if self._row is None:
                continue
            if loop.time() - self._renewed_at > conf.RTC_WORKER_FENCE_S:
                logger.error("this worker has had no touch with the database for too long")
                self._own(self.lose(self._row))
            elif self._rests:
                self._beating = self._own(self._beat())

    @property
    def _rests(self) -> bool:
        return self._beating is None or self._beating.done()

    async def _beat(self) -> None:
        if asyncio.get_running_loop().time() - self._told_at >= conf.RTC_HEARTBEAT_S:
            self._own(tidy_shared_thread())
            await self._try(self.beat())
        elif self.calls or self.failing:
            await self._try(self._tell(registry.renew))

    async def _try(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Error as error:  # the database is locked or away
            self.failing = True
            logger.warning("the heartbeat could not be recorded: %s", error)

    async def beat(self) -> None:
        """Record that this worker lives, and how it is doing. Taken for lost meanwhile, it ends its calls: their record
        has ended.
        """
        self._told_at = asyncio.get_running_loop().time()
        figures = await self._figures.take(self.calls)
        if self._row is None:
            return
        load = registry.Load(
            session_count=len(self.calls),
            lag_ms=round(self.lag.lag_ms, 1),
            cpu_percent=round(self._cpu.take(), 1),
            figures=figures,
            totals=tally.totals(self.calls.values()),
        )
        await self._tell(registry.beat, load)
        if self._row is not None:
            await perform_beside(self._strays.end, self._row, journal.ending | self.calls.keys())
        if self._row is not None and not self.draining and await perform_beside(registry.shall_drain, self._row):
            self.drain()

    async def _tell(self, job: Callable[..., bool], *args: Any) -> None:
        row, asked_at = self._row, asyncio.get_running_loop().time()
        assert row is not None
        lives = await perform_beside(job, row, *args)
        if row != self._row:
            return  # given up meanwhile
        self.failing = False
        if lives:
            self._renewed_at = asked_at
            journal.resume()
        else:
            logger.error("this worker was taken for lost")
            await self.lose(row)

    # Ends ----------------------------------------------------------------------------------------------------------

    async def lose(self, row: int) -> None:
        """End the calls, and give that row up: the next call brings another."""
        if row != self._row:
            return
        self._row = None
        self.failing = False
        if self.calls:
            logger.error("%d sessions are over: %s", len(self.calls), registry.WORKER_LOST)
        await self._expel(registry.WORKER_LOST)
        perform_soon(registry.retire, row, registry.WORKER_LOST)

    async def _expel(self, reason: str) -> list["Call"]:
        calls = list(self.calls.values())
        if calls:
            await asyncio.wait([self._own(call.expel(reason)) for call in calls], timeout=EXPEL_TIMEOUT_S)
        return calls

    def give_up(self) -> int | None:
        """Run no sessions any more; gives the row, for who ends it."""
        row, self._row = self._row, None
        return row

    def drain(self) -> asyncio.Task[None]:
        """Take no more sessions, and end those that go on after `RTC_DRAIN_S`; gives the task that does it."""
        if self._draining is None:
            self._draining = self._own(self._drain())
        return self._draining

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        logger.info("draining: %d sessions go on for %g s at the most", len(self.calls), conf.RTC_DRAIN_S)
        if self._row is not None:
            perform_soon(registry.drain, [self._row])
        end_at = loop.time() + conf.RTC_DRAIN_S
        while (self.calls or self._admitting) and loop.time() < end_at:
            await asyncio.sleep(DRAIN_POLL_S)
        if calls := await self._expel(DRAINING):
            await asyncio.wait([self._own(call.settle()) for call in calls], timeout=conf.RTC_SHUTDOWN_TIMEOUT_S)

    async def stop(self) -> None:
        """Drain, and end the row: the process is about to stop."""
        await asyncio.wait([self.drain()])
        if self._row is None:
            return
        row = self.give_up()
        try:
            async with asyncio.timeout(RETIRE_TIMEOUT_S):
                await perform(registry.retire, row, SHUTTING_DOWN)
        except (Error, TimeoutError) as error:
            logger.warning("the worker's end was not recorded: %s", error)

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A context of its own: one born in a request inherits that request's thread, which ends with it.
        return self._tasks.start(work, contextvars.Context())


def _retire_late(row: int) -> None:
    """The session that it was made for was refused meanwhile; the next one brings another."""
    perform_soon(registry.retire, row, registry.WORKER_LOST)


def _log_failure(error: BaseException) -> None:
    logger.error("the worker failed: %s", error, exc_info=error)


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
