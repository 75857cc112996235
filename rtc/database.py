"""Database work of sessions: one ordered thread, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import close_old_connections

T = TypeVar("T")

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rtc-database")


def submit(job: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
    """Have `job` done after all that was submitted before it."""
    return _thread.submit(_run, job, *args, **kwargs)


async def perform(job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """The same, awaited; the job is done even if the waiting is cancelled."""
    return await asyncio.wrap_future(submit(job, *args, **kwargs))


def _run(job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    close_old_connections()
    try:
        return job(*args, **kwargs)
    finally:
        close_old_connections()
