"""Threads that do one thing after the other, and how long the process waits for them when it stops."""

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

LEAVE_S = 8.0
"""How long what is still to be written and told may take once the process stops."""
LAST_S = 1.0
"""How long it may take at exit in any case, for a server that has taken its time to stop."""


class OrderedThread(Executor):
    """Does jobs in order, in one thread: a daemon, since a job may wait for a database that is locked for good.

    `busy_since`: when it began the job that it does, on the monotonic clock; None: it does none.

    Args:
        awaited: when the process stops, what was submitted is still done, as far as `LEAVE_S` allows.
    """

    def __init__(self, name: str, *, awaited: bool = False) -> None:
        self.busy_since: float | None = None
        self._name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        if awaited:
            _awaited.append(self)

    @property
    def waiting(self) -> int:
        """How many jobs have not begun yet."""
        return self._jobs.qsize()

    def submit(self, job: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            self._jobs.put((future, lambda: job(*args, **kwargs)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return future

    def finish(self, timeout_s: float) -> bool:
        """Wait until all that was submitted is done; False when that takes too long."""
        if self._thread is None or not self._thread.is_alive():  # never used, or left behind by a fork
            return True
        return not wait([self.submit(int)], max(timeout_s, 0.0)).not_done

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """End once all jobs are done, without waiting for that."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (next_job := self._jobs.get()) is not None:
            future, job = next_job
            if future.set_running_or_notify_cancel():
                self.busy_since = time.monotonic()
                self._do(job, future)
            del future, job, next_job  # not to be kept until the next one comes

    def _do(self, job: Callable[[], T], future: Future[T]) -> None:
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - whoever submitted the job learns of it
            self.busy_since = None
            future.set_exception(error)
        else:
            self.busy_since = None
            future.set_result(result)


_awaited: list[OrderedThread] = []
_leave_at: float | None = None


def leave() -> None:
    """The process stops: what waits has `LEAVE_S` from now on."""
    global _leave_at
    if _leave_at is None:
        _leave_at = time.monotonic() + LEAVE_S


def patient_until(at: float) -> float:
    """That time of the monotonic clock, or an earlier one at which the process stops."""
    return at if _leave_at is None else min(at, _leave_at)


def _finish() -> None:
    """At exit. Each thread in the order they were made in: the record before what is told of it."""
    leave()
    for thread in _awaited:
        if not thread.finish(max(patient_until(float("inf")) - time.monotonic(), LAST_S)):
            logger.error("the process stops before %s is done", thread._name)


atexit.register(_finish)
