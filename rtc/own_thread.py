"""A thread for one reply's blocking code."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from rtc.core.exceptions import HandlerError
from rtc.database import OwnConnections
from rtc.threads import blaming_thread


class OwnThread(Executor):
    """Runs jobs one after the other in a thread of its own, a daemon: one that never returns must not keep the process
    alive. Whatever a job lets out becomes a `HandlerError` that names `where`.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=f"rtc {where}", daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.put((future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """End once all jobs are done, without waiting for that."""
        self._jobs.put(None)

    def _run(self) -> None:
        with OwnConnections() as connections:
            while (job := self._jobs.get()) is not None:
                self._do(*job)
                connections.tidy()

    def _do(self, future: Future[Any], call: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            with blaming_thread(self._where):
                result = call()
        except HandlerError as error:
            future.set_exception(error)
        else:
            future.set_result(result)
