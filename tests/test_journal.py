"""What sessions leave behind is written in order, in batches, through hard times."""

import logging
import threading
from concurrent.futures import wait

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from rtc import journal as module
from rtc import ordered, registry
from rtc.database import submit
from rtc.journal import EndRecord, EntryRecord, InputRecord, Journal, OutputRecord
from rtc.models import Input, Output, Session, TimelineEntry
from rtc.recent import recent
from rtc.registry import Figures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session():
    return Session.objects.create(session_id="a", stream="default", state=Session.State.ACTIVE)


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def naps(monkeypatch):
    """Notes how long the writer would have slept, and does not."""
    naps = []
    monkeypatch.setattr(module, "GATHER_S", 0.0)
    monkeypatch.setattr(module.time, "sleep", lambda nap_s: naps.append(nap_s) if nap_s else None)
    return naps


def output(session_pk, position, settled=None):
    return OutputRecord(session_pk=session_pk, position=position, payload=str(position), settled=settled)


def settle():
    """Returns when all that was added before is written."""
    submit(int).result(10)


def held_up():
    """Keeps the writer from writing until it is set."""
    go = threading.Event()
    submit(go.wait, 10)
    return go


def positions():
    return list(Output.objects.order_by("pk").values_list("position", flat=True))


def fail(monkeypatch, *errors):
    """Each call of the journal's `_write` raises the next of these, then it works."""
    errors = list(errors)
    write = module._write

    def failing(batch):
        if errors:
            raise errors.pop(0)
        write(batch)

    monkeypatch.setattr(module, "_write", failing)


def test_each_kind_is_written(journal, session):
    journal.add(output(session.pk, 1))
    journal.add(InputRecord(session_pk=session.pk, payload="[1234", size=11))
    journal.add(EntryRecord(session_pk=session.pk, kind="turn", text="x" * 300))
    journal.add(EndRecord(session_pk=session.pk, reason="idle", close_code=4408, figures=Figures(frames_in=7)))
    settle()
    session.refresh_from_db()
    assert (session.state, session.end_reason, session.close_code, session.frames_in) == ("ended", "idle", 4408, 7)
    assert Output.objects.get().payload == "1"
    assert (Input.objects.get().payload, Input.objects.get().size) == ("[1234", 11)
    assert TimelineEntry.objects.get().text == "x" * 200


def test_what_is_added_meanwhile_is_one_batch_in_order(journal, session, monkeypatch):
    sizes = []
    write = module._write
    monkeypatch.setattr(module, "_write", lambda batch: (sizes.append(len(batch)), write(batch)))
    told = []
    go = held_up()
    for position in range(1, 101):
        journal.add(output(session.pk, position, lambda count, position=position: told.append(position)))
    go.set()
    settle()
    assert sizes == [100]
    assert positions() == told == list(range(1, 101))


def test_a_batch_of_outputs_is_one_insert(session):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        module._write([output(session.pk, position) for position in range(1, 101)])
    assert sum(query["sql"].startswith("INSERT") for query in queries) == 1


def test_it_is_told_after_the_commit(journal, session):
    seen = []
    journal.add(output(session.pk, 1, lambda count: seen.append(Output.objects.count())))
    settle()
    assert seen == [1]


def test_records_of_many_threads_are_all_written(journal, session):
    def add(first):
        for position in range(first, first + 50):
            journal.add(output(session.pk, position))

    threads = [threading.Thread(target=add, args=(1000 * index,)) for index in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle()
    found = positions()
    assert len(found) == 400
    for index in range(1, 9):
        assert [p for p in found if p // 1000 == index] == list(range(1000 * index, 1000 * index + 50))


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection already closed")])
def test_it_waits_for_a_database_that_is_locked_or_away(journal, session, monkeypatch, naps, caplog, error):
    fail(monkeypatch, error, error, error)
    told = []
    go = held_up()
    for position in (1, 2):
        journal.add(output(session.pk, position, lambda count, position=position: told.append(position)))
    go.set()
    journal.add(output(session.pk, 3))
    settle()
    assert positions() == [1, 2, 3]
    assert told == [1, 2]
    assert naps == [0.05, 0.1, 0.2]
    assert "records wait" in caplog.text


def test_it_gives_up_after_a_while_and_says_so(journal, session, monkeypatch, naps, caplog, settings):
    settings.RTC_DATABASE_PATIENCE_S = 0
    fail(monkeypatch, OperationalError("disk I/O error"))
    told = []
    journal.add(output(session.pk, 1, told.append))
    settle()
    journal.add(output(session.pk, 2))
    settle()
    assert (positions(), told, naps) == ([2], [1], [])  # nobody waits for ever for what is lost
    assert "1 records are lost: disk I/O error" in caplog.text


@pytest.mark.parametrize(
    "error", [SystemExit(1), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")]
)
def test_nobody_waits_for_what_a_failure_of_any_kind_has_lost(journal, session, monkeypatch, caplog, error):
    fail(monkeypatch, error)
    told = []
    journal.add(output(session.pk, 1, told.append))
    settle()
    journal.add(output(session.pk, 2, told.append))
    settle()
    assert (positions(), told) == ([2], [1, 1])
    assert "a record was not written" in caplog.text


def test_an_end_is_put_off_rather_than_lost(journal, session, monkeypatch, caplog, settings):
    settings.RTC_DATABASE_PATIENCE_S = 0
    fail(monkeypatch, OperationalError("away"))
    journal.add(EndRecord(session_pk=session.pk, reason="client_stop", close_code=1000, figures=Figures()))
    settle()
    assert Session.objects.live().exists()
    fail(monkeypatch, OperationalError("away"))
    journal.resume()
    settle()
    assert Session.objects.live().exists()
    journal.resume()
    settle()
    assert Session.objects.get().end_reason == "client_stop"
    journal.resume()
    assert not journal._put_off


@pytest.fixture
def unheard(monkeypatch):
    """The next commit comes through, and the connection is lost before that is answered."""
    commit = BaseDatabaseWrapper._commit

    def lose_the_answer(self):
        monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit)
        commit(self)
        raise OperationalError("server closed the connection unexpectedly")

    return lambda: monkeypatch.setattr(BaseDatabaseWrapper, "_commit", lose_the_answer)


def written():
    kinds = Output.objects, Input.objects, TimelineEntry.objects
    return [list(rows.order_by("pk").values_list("session__session_id", flat=True)) for rows in kinds]


def test_what_was_written_unheard_is_neither_written_again_nor_untold(journal, session, unheard, naps, told):
    other = Session.objects.create(session_id="b", stream="default", state=Session.State.ACTIVE)
    go = held_up()
    for pk in (session.pk, other.pk):
        journal.add(output(pk, 1))
        journal.add(InputRecord(session_pk=pk, payload="[1]", size=3))
        journal.add(EntryRecord(session_pk=pk, kind="turn"))
        journal.add(EndRecord(session_pk=pk, reason="client_stop", close_code=1000, figures=Figures()))
    unheard()
    go.set()
    settle()
    assert written() == [["a", "b"]] * 3
    assert told == [("ended", "a", "client_stop"), ("ended", "b", "client_stop")]
    assert len(naps) == 1


def test_what_was_written_unheard_is_kept_for_its_readers(journal, session, monkeypatch, naps):
    insert = module._insert

    def lose_the_answer(records):
        monkeypatch.setattr(module, "_insert", insert)
        insert(records)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(module, "_insert", lose_the_answer)
    journal.add(output(session.pk, 1))
    journal.add(output(session.pk, 2))
    settle()
    assert positions() == [1, 2]
    assert len(naps) == 1
    assert module.recent.after(session.pk, 0) == [(1, "1"), (2, "2")]
    module.recent.forget(session.pk)


def test_an_end_that_was_written_unheard_and_given_up_is_told(journal, session, unheard, settings, told):
    settings.RTC_DATABASE_PATIENCE_S = 0
    unheard()
    journal.add(EndRecord(session_pk=session.pk, reason="client_stop", close_code=1000, figures=Figures()))
    settle()
    assert told == []
    journal.resume()
    settle()
    journal.resume()
    settle()
    assert told == [("ended", "a", "client_stop")]


def test_an_end_of_another_that_came_first_is_not_told_again(journal, session, monkeypatch, naps, told):
    fail(monkeypatch, OperationalError("away"))
    registry.end(session.pk, "worker_lost", None, Figures())
    journal.add(EndRecord(session_pk=session.pk, reason="client_stop", close_code=1000, figures=Figures()))
    settle()
    assert told == [("ended", "a", "worker_lost")]
    session.refresh_from_db()
    assert session.end_reason == "worker_lost"


@pytest.mark.parametrize("beside", [[], [EntryRecord]], ids=["alone", "beside others"])
def test_outputs_of_a_session_that_another_worker_has_ended_are_left(journal, session, beside):
    """Its readers were told that there is no more."""
    other = Session.objects.create(session_id="b", stream="default", state=Session.State.ACTIVE)
    journal.add(output(session.pk, 1))
    settle()
    registry.end(session.pk, registry.WORKER_LOST, None, Figures())
    settled = []
    go = held_up()
    journal.add(output(session.pk, 2, settled.append))
    journal.add(output(other.pk, 1))
    for kind in beside:
        journal.add(kind(session_pk=other.pk, kind="turn"))
    go.set()
    settle()
    assert list(Output.objects.order_by("pk").values_list("session", "position")) == [(session.pk, 1), (other.pk, 1)]
    assert not recent.after(session.pk, 1)
    assert settled == [1]


def test_outputs_wait_for_an_end_that_is_about_to_be_committed_and_are_left(session):
    """Who was told of the end has had all there is."""
    written, commit = threading.Event(), threading.Event()

    def end():
        with transaction.atomic():
            Session.objects.filter(pk=session.pk).update(state=Session.State.ENDED, end_reason="worker_lost")
            written.set()
            commit.wait(10)
        connection.close()

    other = threading.Thread(target=end)
    other.start()
    assert written.wait(10)
    stored = submit(module._insert, [output(session.pk, 1)])
    assert wait([stored], 0.3).not_done
    commit.set()
    assert stored.result(10) == 0
    other.join()
    assert positions() == []


@pytest.mark.parametrize("beside", [[], [EntryRecord]], ids=["alone", "beside others"])
def test_a_deleted_session_costs_the_others_nothing(journal, session, caplog, beside):
    gone = Session.objects.create(session_id="b", stream="default")
    gone_pk = gone.pk
    told = []
    go = held_up()
    for position in (1, 2):
        for session_pk in (session.pk, gone_pk):
            at = session_pk, position
            journal.add(output(session_pk, position, lambda count, at=at: told.append(at)))
    for kind in beside:
        journal.add(kind(session_pk=session.pk, kind="turn"))
    gone.delete()
    go.set()
    settle()
    assert sorted(told) == sorted((pk, position) for pk in (session.pk, gone_pk) for position in (1, 2))
    assert positions() == [1, 2]
    assert caplog.text.count(f"session row {gone_pk} was not written") == 2


def test_a_lock_while_records_are_written_one_by_one_loses_none(journal, session, monkeypatch, naps):
    gone = Session.objects.create(session_id="b", stream="default")
    go = held_up()
    journal.add(EntryRecord(session_pk=gone.pk, kind="turn"))
    for position in (1, 2):
        journal.add(output(session.pk, position))
    gone.delete()
    write = module._write
    locked = iter([False, True, False, True])

    def sometimes(batch):
        if next(locked, False):
            raise OperationalError("database is locked")
        write(batch)

    monkeypatch.setattr(module, "_write", sometimes)
    go.set()
    settle()
    assert positions() == [1, 2]
    assert len(naps) == 2


def test_an_end_is_recorded_once_and_behind_its_outputs(journal, session):
    seen = []
    figures = Figures()
    journal.add(output(session.pk, 1))
    for reason in ("client_stop", "idle"):
        journal.add(
            EndRecord(
                session_pk=session.pk,
                reason=reason,
                close_code=1000,
                figures=figures,
                settled=lambda count: seen.append(Output.objects.count()),
            )
        )
    settle()
    session.refresh_from_db()
    assert session.end_reason == "client_stop"
    assert seen == [1, 1]


def test_records_of_one_batch_are_told_of_at_once(journal, session):
    told, others = [], []
    go = held_up()
    for position in range(1, 6):
        journal.add(output(session.pk, position, others.append if position == 3 else told.append))
    go.set()
    settle()
    assert (told, others) == ([4], [1])


def test_a_failure_in_what_is_told_is_logged(journal, session, caplog):
    def burst(count):
        raise RuntimeError("told badly")

    with caplog.at_level(logging.ERROR):
        journal.add(output(session.pk, 1, burst))
        settle()
    assert "told badly" in caplog.text
    assert positions() == [1]


def test_a_session_ends_until_its_end_is_on_record(journal, session, monkeypatch, settings):
    settings.RTC_DATABASE_PATIENCE_S = 0
    fail(monkeypatch, OperationalError("away"))
    journal.add(EndRecord(session_pk=session.pk, reason="client_stop", close_code=1000, figures=Figures()))
    settle()
    assert journal.ending == {session.pk}
    journal.resume()
    settle()
    assert journal.ending == set()


def test_a_process_that_stops_is_less_patient(journal, session, monkeypatch, naps, caplog):
    fail(monkeypatch, *[OperationalError("away")] * 3)
    monkeypatch.setattr(ordered, "_leave_at", module.time.monotonic())
    journal.add(output(session.pk, 1))
    settle()
    assert naps == [] and "1 records are lost: away" in caplog.text
