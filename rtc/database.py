"""Database work, off the event loop: in one thread what is recorded, in order, in another the heartbeat, in a third
what requests look up; and the connections of the threads that handlers run in.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
    reset_queries,
)
from django.db.backends.signals import connection_created

from rtc.ordered import OrderedThread

logger = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_S = 30.0
"""A connection that was not used for so long may have been closed at the other end."""
TIDY_S = 1.0
"""How often a handler's thread looks whether its connections are still good."""
AT_ONCE = 10
"""How many connections it lets go right after the callback that opened them, until it has to be slower."""
LOOK_UP_S = 5.0
"""How long a request waits for what it asks the database."""


class DatabaseThread:
    """Does jobs in order, in one thread that keeps its connection from job to job; it opens another when that one
    failed or has been idle.
    """

    def __init__(self, name: str, *, awaited: bool = False) -> None:
        self._name = name
        self._executor = OrderedThread(name, awaited=awaited)
        self._last_used = 0.0

    def submit(self, job: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
        return self._executor.submit(self._run, job, *args, **kwargs)

    async def within(self, timeout_s: float, job: Callable[..., T], *args: Any) -> T:
        """Have a job done, or give it up; and with it the thread, when the database does not answer that: others shall
        not wait behind it.

        Raises:
            OperationalError: it took too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.wrap_future(self.submit(job, *args))
        except TimeoutError:
            # Whoever asked first has waited a little longer than the thread has worked.
            since = self._executor.busy_since
            if since is not None and time.monotonic() - since >= 0.9 * timeout_s:
                self._executor.submit(connections.close_all)
                self._executor.shutdown(wait=False)
                self._executor = OrderedThread(self._name)
            raise OperationalError(f"the database has not answered for {timeout_s:g} s") from None

    def _run(self, job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if time.monotonic() - self._last_used > IDLE_S:
            connections.close_all()
        reset_queries()  # with DEBUG on, Django keeps them until the next request, and here comes none
        try:
            return job(*args, **kwargs)
        except Exception:  # whatever it was, it may have left the connection in the middle of something
            connections.close_all()
            raise
        finally:
            self._last_used = time.monotonic()


class OwnConnections:
    """The database connections of the thread that enters it, in which a handler's callbacks run one after the other.
    What Django does between requests is done between callbacks: connections that failed or are too old are closed, with
    `CONN_MAX_AGE = 0` all of them. One that asks for each frame keeps its connection for a second. At the end all are
    closed, which nobody could do after it.
    """

    def __enter__(self) -> "OwnConnections":
        self._looked_at = time.monotonic()
        self._at_once = AT_ONCE
        return self

    def __exit__(self, *failure: object) -> None:
        connections.close_all()

    def tidy(self) -> None:
        """Call it between callbacks; mostly it does nothing."""
        now = time.monotonic()
        if now - self._looked_at >= TIDY_S:
            self._looked_at = now
            self._at_once = min(self._at_once + 1, AT_ONCE)
        elif self._at_once and getattr(_opened, "lately", False):
            self._at_once -= 1
        else:
            return
        _opened.lately = False
        close_old_connections()


_opened = threading.local()


def _note_opened(**kwargs: Any) -> None:
    _opened.lately = True


connection_created.connect(_note_opened)


async def tidy_shared_thread() -> None:
    """The same for the thread in which async handlers' database work is done (asgiref's), unless that is busy."""
    if not _tidying.locked():
        async with _tidying:
            await sync_to_async(close_old_connections)()


_tidying = asyncio.Lock()
_records = DatabaseThread("rtc-database", awaited=True)
_heart = DatabaseThread("rtc-heart")
_lookups = DatabaseThread("rtc-lookups")


def submit(job: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
    """Have `job` done after all that was submitted before it."""
    return _records.submit(job, *args, **kwargs)


async def perform(job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """The same, awaited. Cancelled while the job waits for its turn, it is not done."""
    return await asyncio.wrap_future(submit(job, *args, **kwargs))


async def perform_beside(job: Callable[..., T], *args: Any) -> T:
    """For the heartbeat alone: have it done now, however much waits to be done in order."""
    return await asyncio.wrap_future(_heart.submit(job, *args))


async def look_up(job: Callable[..., T], *args: Any) -> T:
    """Have something read for a request, which waits for nothing that is to be written. In the request's own thread it
    would wait for that thread and for a connection.

    Raises:
        OperationalError: also when there is no answer within `LOOK_UP_S`.
    """
    return await _lookups.within(LOOK_UP_S, _read, job, *args)


def _read(job: Callable[..., T], *args: Any) -> T:
    kept = connection.connection is not None
    try:
        return job(*args)
    except (OperationalError, InterfaceError):
        if not kept or connection.is_usable():
            raise
        connection.close()  # it was cut off since it was last used
        return job(*args)


async def perform_apart(job: Callable[..., T], *args: Any) -> T:
    """Run code of the project's own, which may use the database and take its time, where it holds up nobody else."""
    return await sync_to_async(_run_apart, thread_sensitive=False)(job, *args)


def perform_soon(job: Callable[..., Any], *args: Any) -> None:
    """Have it done without waiting; a failure is logged."""
    submit(job, *args).add_done_callback(_log_failure)


def _log_failure(done: "Future[Any]") -> None:
    if error := done.exception():
        logger.error("a record was not written: %s", error, exc_info=error)


def _run_apart(job: Callable[..., T], *args: Any) -> T:
    """In a thread that may do anything next: it keeps no connection."""
    close_old_connections()
    try:
        return job(*args)
    finally:
        close_old_connections()
