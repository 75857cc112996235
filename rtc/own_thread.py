"""A thread for one reply's blocking code."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from rtc.database import OwnConnections
from rtc.ordered import OrderedThread
from rtc.threads import blaming_thread


class OwnThread(OrderedThread):
    """Runs a handler's code. Whatever a job lets out becomes a `HandlerError` that names `where`."""

    def __init__(self, where: str) -> None:
        super().__init__(f"rtc {where}")
        self._where = where

    def submit(self, job: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(self._blamed, job, *args, **kwargs)

    def _blamed(self, job: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            with blaming_thread(self._where):
                return job(*args, **kwargs)
        finally:
            self._connections.tidy()

    def _run(self) -> None:
        with OwnConnections() as self._connections:
            super()._run()
