"""A slow look at what readers of outputs were not told: what another process wrote, what was lost on the way, and
sessions whose worker is gone.
"""

import asyncio
import contextvars
import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from django.db import Error
from django.db.models import OuterRef, Subquery

from rtc import registry
from rtc.conf import conf
from rtc.database import submit
from rtc.models import Output, Session
from rtc.outputs import announce, announce_start, listened
from rtc.reading import read, tidy

logger = logging.getLogger(__name__)


class Watch:
    """Looks every `RTC_OUTPUTS_POLL_S` seconds while somebody reads, at all that is read in this process at once.

    It remembers what each session amounted to and wakes the readers of those that changed. A reader that came in
    between has read for itself.
    """

    def __init__(self) -> None:
        self._readers = 0
        self._seen: dict[int, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._reaping: Future[list[int]] | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Within it, somebody reads. On the event loop."""
        self._readers += 1
        if self._task is None or self._task.done():
            # A context of its own: one born in a request inherits that request's thread, which ends with it.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())
        try:
            yield
        finally:
            self._readers -= 1

    async def _run(self) -> None:
        while self._readers:
            await asyncio.sleep(conf.RTC_OUTPUTS_POLL_S)
            try:
                await self.look()
            except Error as error:
                logger.warning("the outputs that are read can't be looked at now: %s", error)
            tidy()
        self._seen.clear()

    async def look(self) -> None:
        sessions, waited_for = listened()
        amounts, started = await read(_look_up, sessions, waited_for)
        for session_pk in sessions:
            if session_pk not in self._seen or self._seen[session_pk] != amounts.get(session_pk):
                announce(session_pk)
        self._seen = {session_pk: amounts.get(session_pk) for session_pk in sessions}
        for session_id in started:
            announce_start(session_id)
        if self._reaping is None or self._reaping.done():
            self._reaping = submit(registry.reap)


watch = Watch()


def _look_up(sessions: set[int], waited_for: set[str]) -> tuple[dict[int, Any], list[str]]:
    last = Output.objects.filter(session=OuterRef("pk")).order_by("-position").values("position")[:1]
    rows = Session.objects.filter(pk__in=sessions).values_list("pk", "state", Subquery(last)) if sessions else []
    ids = Session.objects.filter(session_id__in=waited_for).values_list("session_id", flat=True) if waited_for else []
    return {pk: (state, position) for pk, state, position in rows}, list(ids)
