"""Database work of sessions: one ordered thread, off the event loop."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
    reset_queries,
)

from rtc.ordered import OrderedThread

logger = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_S = 30.0
"""A connection that was not used for so long may have been closed at the other end."""


class DatabaseThread:
    """Does jobs in order, in one thread that keeps its connection from job to job; it opens another when that one
    failed or has been idle.
    """

    def __init__(self, name: str, *, awaited: bool = False) -> None:
        self._executor = OrderedThread(name, awaited=awaited)
        self._last_used = 0.0

    def submit(self, job: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
        return self._executor.submit(self._run, job, *args, **kwargs)

    def _run(self, job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if time.monotonic() - self._last_used > IDLE_S:
            connections.close_all()
        reset_queries()  # with DEBUG on, Django keeps them until the next request, and here comes none
        try:
            return job(*args, **kwargs)
        except DatabaseError:
            connections.close_all()
            raise
        finally:
            self._last_used = time.monotonic()


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
    """
    return await asyncio.wrap_future(_lookups.submit(_read, job, *args))


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
