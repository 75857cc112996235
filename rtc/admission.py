"""May this client start this session? Origin, ticket, the stream's own `authorize`, and the limits, in that order."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, InterfaceError, OperationalError

from rtc import registry
from rtc.conf import conf
from rtc.core.exceptions import Refused
from rtc.core.messages import Start
from rtc.core.session import COME_AGAIN
from rtc.database import perform, perform_apart, perform_soon
from rtc.journal import EndRecord, journal
from rtc.ownership import owner_key_on_record
from rtc.records import CallRecord
from rtc.streams import Stream
from rtc.tally import tally
from rtc.tickets import BadTicket, read_ticket, user_of
from rtc.undoing import perform_or_undo
from rtc.worker import LocalWorker

logger = logging.getLogger(__name__)

NOT_LOGGED_IN = 4401


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What a stream's `authorize` decides on. `user` is None for nobody; `params` is the client's own object, without
    the ticket.
    """

    stream: str
    session_id: str
    user: Any
    params: dict[str, Any]
    address: str | None
    user_agent: str


class Admission:
    """Admits one client's session.

    Args:
        ticket: as shown while connecting; one in `start.params.ticket` serves as well.
        foreign_origin: the page is of an origin that may connect only with a ticket.
    """

    def __init__(
        self,
        stream: Stream,
        alias: str,
        caller: registry.Caller,
        worker: LocalWorker,
        *,
        ticket: str = "",
        foreign_origin: bool = False,
    ) -> None:
        self._stream = stream
        self._alias = alias
        self._caller = caller
        self._worker = worker
        self._ticket = ticket
        self._foreign_origin = foreign_origin
        self._asking: asyncio.Future[Any] | None = None

    async def admit(self, start: Start, wanted: Callable[[], bool]) -> CallRecord:
        """Start the record of the session.

        Args:
            wanted: whether the client is still there; asked again, in another thread, when its turn has come.

        Raises:
            Refused: with the reason that the client is told.
        """
        try:
            with self._worker.admitting():
                record = await self._admit(start, wanted)
        except (OperationalError, InterfaceError) as error:
            logger.warning("session %s: not admitted, the database is locked or away: %s", start.session_id, error)
            tally.refused[registry.NO_DATABASE] += 1
            raise Refused(registry.NO_DATABASE, COME_AGAIN, text="The database is away. Come again.") from error
        except Refused as refusal:
            tally.refused[refusal.reason] += 1
            raise
        tally.started[self._alias] += 1
        return record

    def abandon(self) -> None:
        """The session is over: a stream's `authorize` that is still being asked is cancelled, so that it keeps no place
        in the queue.
        """
        if self._asking is not None:
            self._asking.cancel()

    async def _admit(self, start: Start, wanted: Callable[[], bool]) -> CallRecord:
        if ticket := self._ticket or start.ticket:
            await self._take_ticket(ticket)
        elif self._foreign_origin:
            raise Refused("origin_not_allowed", registry.NOT_ALLOWED)
        await self._authorize(start)
        self._worker.refuse_when_draining()  # that may have taken long
        limits = registry.ConcurrencyLimits(
            stream=self._stream.concurrency_limit,
            user=conf.RTC_USER_CONCURRENCY_LIMIT,
            overall=conf.RTC_CONCURRENCY_LIMIT,
        )
        caller = replace(self._caller, owner_key=owner_key_on_record(self._caller.user, self._caller.owner_key))
        asked_at = time.monotonic()

        def admit(worker_pk: int) -> int:
            if not wanted():
                raise Refused("client_gone", registry.NOT_ALLOWED)
            self._worker.refuse_when_draining()
            try:
                with self._worker.found_full.looking(asked_at, self._alias, caller.user and caller.user.pk):
                    return registry.admit(start.session_id, self._alias, limits, start.media_format, caller, worker_pk)
            except IntegrityError as error:
                if _exists(caller.user):
                    raise
                raise Refused("not_logged_in", NOT_LOGGED_IN) from error

        async with _in_time():
            worker_pk, pk = await self._record(admit)
        if not self._worker.runs(worker_pk):
            # Given up meanwhile; whoever ended its sessions may not have seen this one.
            perform_soon(registry.end, pk, registry.WORKER_LOST, COME_AGAIN, registry.Figures())
            raise Refused(registry.WORKER_LOST, COME_AGAIN)
        return CallRecord(pk, self._caller.user)

    async def _record(self, admit: Callable[[int], int]) -> tuple[int, int]:
        """The primary keys of the worker's row and the session's."""
        worker_pk = await self._worker.row()
        try:
            return worker_pk, await perform_or_undo(_end_late, admit, worker_pk)
        except registry.WorkerLost:
            await self._worker.lose(worker_pk)
        worker_pk = await self._worker.row()
        return worker_pk, await perform_or_undo(_end_late, admit, worker_pk)

    async def _take_ticket(self, text: str) -> None:
        try:
            ticket = read_ticket(text, self._alias)
            async with _in_time():
                user = await perform(user_of, ticket)
        except BadTicket as error:
            raise Refused(error.reason, registry.NOT_ALLOWED) from error
        self._caller = replace(
            self._caller, user=user, ticket=ticket.nonce, ticket_expires_at=ticket.expires_at, owner_key=""
        )

    async def _authorize(self, start: Start) -> None:
        authorize = self._stream.authorize
        if authorize is None:
            return
        caller = self._caller
        request = SessionRequest(
            stream=self._alias,
            session_id=start.session_id,
            user=caller.user,
            params=start.params,
            address=caller.address,
            user_agent=caller.user_agent,
        )
        text = ""
        self._asking = asyncio.ensure_future(_ask(authorize, request))
        try:
            if await self._asking:
                return
        except PermissionDenied as error:
            text = str(error)
        except asyncio.CancelledError:
            if not self._asking.cancelled():
                raise
            raise Refused("client_gone", registry.NOT_ALLOWED) from None
        if caller.user is None:
            raise Refused("not_logged_in", NOT_LOGGED_IN, text=text)
        raise Refused("not_allowed", registry.NOT_ALLOWED, text=text)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Raises: OperationalError: the database takes longer than `RTC_ADMISSION_TIMEOUT_S` to answer."""
    try:
        async with asyncio.timeout(conf.RTC_ADMISSION_TIMEOUT_S):
            yield
    except TimeoutError as error:
        raise OperationalError("it has not answered in time") from error


def _exists(user: Any) -> bool:
    """Whether a user who was there when the socket was opened still is; nobody is always there."""
    return user is None or get_user_model()._base_manager.filter(pk=user.pk).exists()


def _end_late(pk: int) -> None:
    """The session was admitted when its client had been told to come again."""
    journal.add(
        EndRecord(session_pk=pk, reason=registry.NO_DATABASE, close_code=COME_AGAIN, figures=registry.Figures())
    )


async def _ask(authorize: Callable[[SessionRequest], Any], request: SessionRequest) -> Any:
    if iscoroutinefunction(authorize):
        return await authorize(request)
    answer = await perform_apart(authorize, request)
    # An object whose `__call__` is async, or a lambda round a coroutine function, shows it only now.
    return await answer if inspect.isawaitable(answer) else answer
