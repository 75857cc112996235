"""Who may run, and what the record says of it. Plain functions on the database; `rtc.database` runs them."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connections, router, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.db.models.lookups import LessThan
from django.db.models.sql import UpdateQuery
from django.utils import timezone

from rtc.conf import conf
from rtc.core.exceptions import Refused, RTCError
from rtc.core.formats import MediaFormat
from rtc.last_told import last_told
from rtc.models import AdmissionLock, Session, UsedTicket, Worker
from rtc.particulars import Caller, ConcurrencyLimits, Figures, Load
from rtc.sightings import sightings
from rtc.telling import tell_ended, tell_started

logger = logging.getLogger(__name__)

NOT_ALLOWED = 4403
ID_IN_USE = 4409
AT_LIMIT = 4429

WORKER_LOST = "worker_lost"
NO_DATABASE = "no_database"


class WorkerLost(RTCError):
    """The worker was taken for lost: its row has ended, and it needs another to run sessions."""


def enlist(name: str, host: str, pid: int, **more: str) -> int:
    """Record a worker that starts; gives its primary key. What lost ones left behind is ended first."""
    reap()
    return Worker.objects.create(name=name, host=host, pid=pid, last_beat_at=Now(), **more).pk


def admit(
    session_id: str,
    alias: str,
    limits: ConcurrencyLimits,
    media_format: MediaFormat | None,
    caller: Caller,
    worker_pk: int,
) -> int:
    """Record a session that starts now, if there is room for it; gives the row's primary key.

    Raises:
        WorkerLost: that worker's row has ended.
        Refused: `concurrency_limit_reached`, `user_limit_reached`, `server_limit_reached`, `ticket_used`, or
            `connection_already_exists` for an id that is live.
    """
    session = Session(
        session_id=session_id,
        stream=alias,
        worker_id=worker_pk,
        user=caller.user,
        owner_key=caller.owner_key,
        ticket=caller.ticket,
        client_address=caller.address,
        user_agent=caller.user_agent[: Session._meta.get_field("user_agent").max_length],
        rate_declared=media_format is not None,
        **({} if media_format is None else media_format.to_wire()),
    )
    try:
        _record(session, limits, caller, worker_pk)
    except IntegrityError:
        # A session that held the id may have ended since. If it was something else, it comes again.
        _record(session, limits, caller, worker_pk)
    tell_started(session)
    return session.pk


def _record(session: Session, limits: ConcurrencyLimits, caller: Caller, worker_pk: int) -> None:
    """Raises: what `admit` does, and IntegrityError when it was not for a session that is live."""
    try:
        with transaction.atomic():
            _use_ticket(caller)
            _check(limits, session.stream, caller, worker_pk)
            _hold(worker_pk)
            # Not when it was built: a place that was waited for would seem to have been taken before it was free.
            session.started_at = timezone.now()
            session.save(force_insert=True)
    except IntegrityError as error:
        if not Session.objects.live().filter(session_id=session.session_id).exists():
            raise
        raise Refused("connection_already_exists", ID_IN_USE) from error


def _use_ticket(caller: Caller) -> None:
    if not caller.ticket:
        return
    try:
        with transaction.atomic():
            UsedTicket.objects.create(nonce=caller.ticket, expires_at=caller.ticket_expires_at or timezone.now())
    except IntegrityError as error:
        raise Refused("ticket_used", NOT_ALLOWED) from error


def _check(limits: ConcurrencyLimits, alias: str, caller: Caller, worker_pk: int) -> None:
    user_limit = limits.user if caller.user is not None else None
    if limits.stream is None and user_limit is None and limits.overall is None:
        return
    # SQLite's transaction holds the only write lock already, other databases count behind this row.
    AdmissionLock.objects.select_for_update().get_or_create(pk=1)
    reap(worker_pk)
    live = Session.objects.live()
    if limits.stream is not None and live.filter(stream=alias).count() >= limits.stream:
        raise Refused("concurrency_limit_reached", AT_LIMIT, limits.stream)
    if user_limit is not None and live.filter(user=caller.user).count() >= user_limit:
        raise Refused("user_limit_reached", AT_LIMIT, user_limit)
    if limits.overall is not None and live.count() >= limits.overall:
        raise Refused("server_limit_reached", AT_LIMIT, limits.overall)


def _hold(worker_pk: int) -> None:
    """Keep others from ending that worker until its new session is there for them to end. Raises: WorkerLost.

    It is no beat: one that was overdue would look fresh before the others had a chance to.
    """
    if not Worker.objects.filter(pk=worker_pk, ended_at=None).update(pid=F("pid")):
        raise WorkerLost


def activate(pk: int) -> None:
    """Record that a session's handler runs."""
    Session.objects.filter(pk=pk, state=Session.State.STARTING).update(state=Session.State.ACTIVE)


def end(pk: int, reason: str, close_code: int | None, figures: Figures, at: datetime | None = None) -> bool:
    """Record that a session has ended; False when another end was recorded before.

    Args:
        at: when it ended. The same end at the same time is told again, if it comes again: that its commit came through
            was not heard of then.
    """
    end = {"ended_at": at or timezone.now(), "end_reason": reason, "close_code": close_code}
    counts = {item.name: getattr(figures, item.name) for item in fields(figures)}
    row = Session.objects.filter(pk=pk)
    with transaction.atomic(savepoint=False):
        if not row.live().update(state=Session.State.ENDED, **end, **counts) and not row.filter(**end).exists():
            return False
        _tell_ended([pk])
    return True


def renew(worker_pk: int) -> bool:
    """Record that a worker lives; False when it was taken for lost meanwhile.

    Times of beats are the database's: workers on several machines need not have the same.
    """
    database = router.db_for_write(Worker)
    sql, parameters = _renewal(database, Now)
    with connections[database].cursor() as cursor:
        cursor.execute(sql, [*parameters, worker_pk])
        return bool(cursor.rowcount == 1)


@cache
def _renewal(database: str, now: Callable[[], Any]) -> tuple[str, tuple[Any, ...]]:
    """The SQL of a renewal, and its parameters but for the last, the primary key. To have it written takes twice as
    long as to have it carried out, and a worker with sessions renews every second.
    """
    query: Any = Worker.objects.using(database).filter(ended_at=None).filter(pk=0).query.chain(UpdateQuery)
    query.add_update_values({"last_beat_at": now()})
    sql, parameters = query.get_compiler(database).as_sql()
    return sql, parameters[:-1]


def beat(worker_pk: int, load: Load) -> bool:
    """The same with how it is doing. Then ends the sessions of workers that were lost before: that may take long."""
    lost = _lost(worker_pk)
    lives = (
        Worker.objects.filter(pk=worker_pk, ended_at=None).update(
            last_beat_at=Now(),
            session_count=load.session_count,
            lag_ms=load.lag_ms,
            cpu_percent=load.cpu_percent,
            figures=load.figures,
            totals=load.totals,
        )
        == 1
    )
    _reap(lost)
    return lives


def live_on(worker_pk: int) -> list[int]:
    return list(Session.objects.live().filter(worker=worker_pk).order_by("pk").values_list("pk", flat=True))


def shall_drain(worker_pk: int) -> bool:
    return Worker.objects.filter(pk=worker_pk, draining_at__isnull=False).exists()


def drain(worker_pks: Iterable[int]) -> int:
    """Have workers take no more sessions; gives how many had not been asked to yet."""
    return Worker.objects.filter(pk__in=worker_pks, ended_at=None, draining_at=None).update(draining_at=timezone.now())


def retire(worker_pk: int, reason: str) -> list[int]:
    """Record that a worker has stopped, and end what sessions it has left; gives their primary keys."""
    now = timezone.now()
    with transaction.atomic():
        if not Worker.objects.filter(pk=worker_pk, ended_at=None).update(ended_at=now):
            return []
        return _end_sessions(worker_pk, now, reason)


def reap(worker_pk: int | None = None) -> list[int]:
    """End the sessions of workers that have been silent for too long; gives the primary keys of those ended here.

    Args:
        worker_pk: who looks. While it is overdue itself, it ends nothing: the database was away, or too busy, and the
            others may be about to beat as well.
    """
    return _reap(_lost(worker_pk))


def _is_late() -> Any:
    """Whether a worker's last beat is too long ago, by the database's clock."""
    return LessThan(F("last_beat_at"), Now() - timedelta(seconds=conf.RTC_WORKER_LOST_S))


def _lost(worker_pk: int | None) -> list[int]:
    workers = list(Worker.objects.filter(ended_at=None).values_list("pk", "last_beat_at", _is_late()))
    lost = sightings.lost(workers, conf.RTC_WORKER_LOST_S, time.monotonic())
    return [] if any(late for pk, _, late in workers if pk == worker_pk) else lost


def _reap(lost: list[int]) -> list[int]:
    now = timezone.now()
    ended: list[int] = []
    for pk in lost:
        try:
            with transaction.atomic():  # a process killed in here leaves all of it to the next
                if Worker.objects.filter(_is_late(), pk=pk, ended_at=None).update(ended_at=now):
                    ended += _end_sessions(pk, now, WORKER_LOST)
        except OperationalError:  # the database is locked or away
            raise
        except DatabaseError as error:  # it does not take what is to be written: that holds up nobody else
            logger.error("the sessions of lost worker row %d could not be ended: %s", pk, error, exc_info=error)
    return ended


def _end_sessions(worker_pk: int, now: datetime, reason: str) -> list[int]:
    end = {"state": Session.State.ENDED, "ended_at": now, "end_reason": reason}
    figures = Worker.objects.values_list("figures", flat=True).get(pk=worker_pk)
    ended = [
        pk for pk in live_on(worker_pk) if Session.objects.live().filter(pk=pk).update(**end, **last_told(figures, pk))
    ]
    _tell_ended(ended)
    return ended


def _tell_ended(pks: Iterable[int]) -> None:
    """To be called in the transaction that ended them: what can't be read then is not ended either."""
    for session in Session.objects.filter(pk__in=pks).order_by("pk"):
        transaction.on_commit(partial(tell_ended, session), robust=True)  # one that fails must not keep it from others
