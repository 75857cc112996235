"""One thread, with one database connection, that reads for all open event streams of this process.

Django gives each request a thread for its synchronous work and keeps it, and its connection, until the response is
over. For a response that lasts as long as a call that is a thread and a connection for each listener. A second thread
does what Django has to do at the end of each.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections, reset_queries

from rtc.ordered import OrderedThread

T = TypeVar("T")

_thread = OrderedThread("rtc-outputs")


class _SharedExecutor(Executor):
    """One thread for many requests, which goes on when asgiref shuts down the executor of one of them."""

    def __init__(self, name: str) -> None:
        self._executor = OrderedThread(name)

    def __bool__(self) -> bool:
        return False  # else asgiref starts a thread to shut it down

    def submit(self, job: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return self._executor.submit(job, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


_ends = _SharedExecutor("rtc-outputs-ends")
_context = ThreadSensitiveContext()
SyncToAsync.context_to_thread_executor[_context] = _thread


def leave_request_thread() -> None:
    """From here on, have the synchronous work of this task done by the reading thread, and let the request's own thread
    end. Work that the request's outer tasks still have is done by the thread for ends.
    """
    own = SyncToAsync.thread_sensitive_context.get(None)
    SyncToAsync.thread_sensitive_context.set(_context)
    if own is None or own is _context or getattr(own, "_executor", None) is not None:
        return  # not Django's: whoever made that thread keeps it
    executor = SyncToAsync.context_to_thread_executor.get(own)
    SyncToAsync.context_to_thread_executor[own] = _ends
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
