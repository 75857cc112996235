"""Database work of sessions: one ordered thread, off the event loop."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import DatabaseError, connections

T = TypeVar("T")

IDLE_S = 30.0
"""A connection that was not used for so long may have been closed at the other end."""

_last_used = 0.0
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rtc-database")


def submit(job: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
    """Have `job` done after all that was submitted before it."""
    return _thread.submit(_run, job, *args, **kwargs)


async def perform(job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """The same, awaited; the job is done even if the waiting is cancelled."""
    return await asyncio.wrap_future(submit(job, *args, **kwargs))


def _run(job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """The thread keeps its connection from job to job, and opens another when this one failed or has been idle."""
    global _last_used
    if time.monotonic() - _last_used > IDLE_S:
        connections.close_all()
    try:
        return job(*args, **kwargs)
    except DatabaseError:
        connections.close_all()
        raise
    finally:
        _last_used = time.monotonic()
