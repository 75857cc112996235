"""Jobs of the records thread that nobody may have waited for any more when they were done."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from rtc.database import submit

T = TypeVar("T")


async def perform_or_undo(undo: Callable[[T], Any], job: Callable[..., T], *args: Any) -> T:
    """What `rtc.database.perform` does. Should it be cancelled while the job runs, `undo` is called with what comes of
    that, in any thread.
    """
    done = submit(job, *args)
    try:
        return await asyncio.wrap_future(done)
    except asyncio.CancelledError:
        done.add_done_callback(partial(_undo, undo))
        raise


def _undo(undo: Callable[[T], Any], done: "Future[T]") -> None:
    if not done.cancelled() and done.exception() is None:
        undo(done.result())
