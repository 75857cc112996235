"""One thread, with one database connection, that reads for all open event streams of this process.

Django gives each request a thread for its synchronous work and keeps it, and its connection, until the response is
over. For a response that lasts as long as a call that is a thread and a connection for each listener.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections, reset_queries

T = TypeVar("T")

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rtc-outputs")
_context = ThreadSensitiveContext()
SyncToAsync.context_to_thread_executor[_context] = _thread


def leave_request_thread() -> None:
    """From here on, have the synchronous work of this task done by the reading thread, and let the request's own thread
    end. Work that the request's outer tasks still have gets a new one.
    """
    own = SyncToAsync.thread_sensitive_context.get(None)
    SyncToAsync.thread_sensitive_context.set(_context)
    if own is None or own is _context or getattr(own, "_executor", None) is not None:
        return  # not Django's: whoever made that thread keeps it
    executor = SyncToAsync.context_to_thread_executor.pop(own, None)
    if isinstance(executor, ThreadPoolExecutor):
        executor.submit(connections.close_all)
        executor.shutdown(wait=False)


async def read(job: Callable[..., T], *args: Any) -> T:
    """Have it done by the reading thread."""
    return await asyncio.wrap_future(_thread.submit(job, *args))


def tidy() -> None:
    """Have the reading thread do what Django does between requests: close a connection that is too old or no good, and
    forget what `DEBUG` has it remember.
    """
    _thread.submit(_tidy)


def _tidy() -> None:
    close_old_connections()
    reset_queries()
