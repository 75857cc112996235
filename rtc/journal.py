"""What sessions leave behind, written in order, off the event loop, in batches that grow with the load.

One thread writes (`rtc.database`). What is added while it writes goes into the next batch, one transaction each. While
the database is locked or away the batch waits and nothing behind it overtakes.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.dispatch import Signal
from django.utils import timezone

from rtc import registry
from rtc.conf import conf
from rtc.database import perform_soon
from rtc.models import Input, Output, Session, TimelineEntry
from rtc.ordered import patient_until
from rtc.recent import recent
from rtc.telling import tell

logger = logging.getLogger(__name__)

SHORTEST_RETRY_S = 0.05
LONGEST_RETRY_S = 1.0

GATHER_S = 0.003
"""How long an output waits for those of other sessions: each transaction takes the interpreter from the audio."""
ROWS_AT_ONCE = 200
"""How many outputs go into one statement. SQLite takes 999 parameters; each output has four."""

_INSERT = f"""INSERT INTO {Output._meta.db_table} (session_id, position, payload, created_at)
    SELECT v.column1, v.column2, v.column3, v.column4
    FROM (VALUES %s) AS v JOIN {Session._meta.db_table} s ON s.id = v.column1
    WHERE s.state <> '{Session.State.ENDED}' ORDER BY s.id, v.column2"""
"""Outputs come by the hundred each second, and audio waits for the interpreter meanwhile: a query set, or a transaction
of several statements, takes twice as long.
"""

_STATES = f"SELECT id, state FROM {Session._meta.db_table} WHERE id IN (%s) ORDER BY id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something to write about a session.

    Args:
        settled: called in the writer's thread, once committed or given up, with the number of records of that batch
            that have this same callable.
    """

    session_pk: int
    at: datetime = field(default_factory=timezone.now)
    settled: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRecord(Record):
    """The handler runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRecord(Record):
    position: int
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord(Record):
    """An input.

    Args:
        payload: as much of it as is kept.
        size: of the whole, in characters.
    """

    payload: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord(Record):
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRecord(Record):
    reason: str
    close_code: int | None
    figures: registry.Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord(Record):
    """Nothing to write: what receivers of a signal are told, behind what comes before and ahead of what follows."""

    signal: Signal
    named: dict[str, Any]

    def tell(self) -> None:
        tell(self.signal, **self.named)


class Journal:
    """Takes records from any thread. It is bounded by who adds: each call waits for its own outputs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Record] = []
        self._put_off: list[Record] = []
        self._ending: set[int] = set()

    @property
    def ending(self) -> set[int]:
        """The sessions, by primary key, that are over and whose end is not on record yet. From any thread."""
        with self._lock:
            return set(self._ending)

    def add(self, record: Record) -> None:
        with self._lock:
            self._pending.append(record)
            if isinstance(record, EndRecord):
                self._ending.add(record.session_pk)
            if len(self._pending) > 1:
                return  # the job that was submitted for the first takes them all
        perform_soon(self._drain)

    def _drain(self) -> None:
        if isinstance(self._pending[0], OutputRecord):
            time.sleep(GATHER_S)
        with self._lock:
            batch, self._pending = self._pending, []
        try:
            self._write(batch)
            for record in batch:
                if isinstance(record, EndRecord):
                    recent.forget(record.session_pk)
        finally:  # whatever was raised: nobody waits for ever
            for settled, count in Counter(record.settled for record in batch).items():
                if settled is not None:
                    settled(count)

    def resume(self) -> None:
        """Try again to write what may not be lost, if there is any. From any thread."""
        if self._put_off:
            perform_soon(self._write_put_off)

    def _write_put_off(self) -> None:
        batch, self._put_off = self._put_off, []
        self._write(batch)

    def _write(self, batch: list[Record]) -> None:
        lost = _write_patiently(batch)
        # An end that is never written would keep its place. There is one for each session, and it waits for `resume`.
        put_off = [record for record in lost if isinstance(record, EndRecord)]
        self._put_off += put_off
        for record in lost:
            if isinstance(record, SignalRecord):  # it happened all the same
                record.tell()
        with self._lock:
            self._ending -= {record.session_pk for record in batch} - {record.session_pk for record in put_off}


journal = Journal()


def _write_patiently(batch: list[Record]) -> list[Record]:
    """Write what can be written; gives what was lost to a database that is locked or away."""
    give_up_at = time.monotonic() + conf.RTC_DATABASE_PATIENCE_S
    try:
        return _retry(_write, batch, give_up_at)
    except DatabaseError as error:
        # It holds something that can't be written: most likely a session was deleted meanwhile.
        logger.info("a batch of %d records is written one by one: %s", len(batch), error)
    lost: list[Record] = []
    for record in batch:
        try:
            lost += _retry(_write_rest, [record], give_up_at)
        except DatabaseError as error:
            logger.warning("a record of session row %d was not written: %s", record.session_pk, error)
    return lost


def _retry(write: Callable[[list[Record]], None], batch: list[Record], give_up_at: float) -> list[Record]:
    """Write them, again and again while the database is locked or away, until they are lost; then gives them back.

    Raises:
        DatabaseError: they can't be written, now or later.
    """
    retry_s = SHORTEST_RETRY_S
    while True:
        try:
            write(batch)
            return []
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() >= patient_until(give_up_at):
                logger.error("%d records are lost: %s", len(batch), error, exc_info=error)
                return batch
            logger.warning("the database is locked or away; %d records wait: %s", len(batch), error)
        close_old_connections()  # it may have been cut off for good
        time.sleep(retry_s)
        retry_s = min(2 * retry_s, LONGEST_RETRY_S)
        write = _write_rest


def _write_rest(batch: list[Record]) -> None:
    """Write what is not there yet: a commit that failed may have come through, and only the answer to it been lost.

    An end that is there is told once more, as it was not: see `registry.end`.
    """
    pks = {record.session_pk for record in batch}
    since = min(record.at for record in batch)
    there: set[tuple[type[Record], int, object]] = set()
    for kind, rows, key in (
        (OutputRecord, Output.objects, "position"),
        (InputRecord, Input.objects, "created_at"),
        (EntryRecord, TimelineEntry.objects, "created_at"),
    ):
        if any(isinstance(record, kind) for record in batch):
            found = rows.filter(session__in=pks, created_at__gte=since).values_list("session_id", key)
            there |= {(kind, session_pk, value) for session_pk, value in found}
    _keep([record for record in batch if _key(record) in there])
    _write([record for record in batch if _key(record) not in there])


def _key(record: Record) -> tuple[type[Record], int, object]:
    return type(record), record.session_pk, record.position if isinstance(record, OutputRecord) else record.at


def _write(batch: Sequence[Record]) -> None:
    outputs = [record for record in batch if isinstance(record, OutputRecord)]
    if 0 < len(outputs) == len(batch) <= ROWS_AT_ONCE:  # as most are: one statement needs no transaction around it
        if _insert(outputs) < len(outputs):
            outputs = _of_sessions_that_go_on(batch)
        _keep(outputs)
        return
    inputs = [
        Input(
            session_id=record.session_pk,
            payload=record.payload,
            size=record.size,
            created_at=record.at,
        )
        for record in batch
        if isinstance(record, InputRecord)
    ]
    entries = [
        TimelineEntry(session_id=record.session_pk, kind=record.kind, text=record.text[:200], created_at=record.at)
        for record in batch
        if isinstance(record, EntryRecord)
    ]
    with transaction.atomic():
        outputs = _of_sessions_that_go_on(batch)
        for first in range(0, len(outputs), ROWS_AT_ONCE):
            _insert(outputs[first : first + ROWS_AT_ONCE])
        Input.objects.bulk_create(inputs)
        TimelineEntry.objects.bulk_create(entries)
        for record in batch:
            if isinstance(record, ActiveRecord):
                registry.activate(record.session_pk)
            elif isinstance(record, EndRecord):
                registry.end(record.session_pk, record.reason, record.close_code, record.figures, record.at)
            elif isinstance(record, SignalRecord):
                transaction.on_commit(record.tell, robust=True)
    _keep(outputs)


def _of_sessions_that_go_on(batch: Sequence[Record]) -> list[OutputRecord]:
    """The outputs that are to be stored. When this worker was silent for too long, others have ended its sessions and
    told their readers that there is no more.
    """
    outputs = [record for record in batch if isinstance(record, OutputRecord)]
    if not outputs:
        return []
    states = _states({record.session_pk for record in batch})
    for record in outputs:
        if record.session_pk not in states:
            logger.warning("a record of session row %d was not written: it was deleted", record.session_pk)
    return [record for record in outputs if states.get(record.session_pk, Session.State.ENDED) != Session.State.ENDED]


def _states(session_pks: Collection[int]) -> dict[int, str]:
    """The state of each session that there is. Nobody else ends one of them in this transaction: SQLite's has the only
    write lock, and PostgreSQL locks the rows, in the order in which lost sessions are ended.
    """
    lock = " FOR SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(_STATES % ", ".join(map(str, session_pks)) + lock)
        return dict(cursor.fetchall())


def _keep(batch: Sequence[Record]) -> None:
    for record in batch:
        if isinstance(record, OutputRecord):
            recent.add(record.session_pk, record.position, record.payload)


def _insert(records: list[OutputRecord]) -> int:
    """Store those of sessions that go on; gives how many. PostgreSQL locks those sessions as `_states` does."""
    time_value = connection.ops.adapt_datetimefield_value
    values = [(record.session_pk, record.position, record.payload, time_value(record.at)) for record in records]
    lock = " FOR SHARE OF s" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        rows = ", ".join(["(%s, %s, %s, %s)"] * len(values))
        cursor.execute(_INSERT % rows + lock, list(chain.from_iterable(values)))
        return cursor.rowcount
