"""`manage.py rtc_purge`."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import models
from django.utils import timezone

from rtc.management.commands import rtc_purge
from rtc.models import Input, Output, Session, TimelineEntry, UsedTicket, Worker
from tests.own_rows import own_model

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()


def days_ago(days):
    return NOW - timedelta(days=days)


def make_session(session_id, ended_at=None, worker=None):
    state = Session.State.ACTIVE if ended_at is None else Session.State.ENDED
    session = Session.objects.create(
        session_id=session_id, stream="default", state=state, started_at=days_ago(90), ended_at=ended_at, worker=worker
    )
    Output.objects.create(session=session, position=1, payload="1")
    Input.objects.create(session=session, payload="[]", size=2)
    TimelineEntry.objects.create(session=session, kind="turn")
    return session


def purge(*args):
    output = io.StringIO()
    call_command("rtc_purge", *args, stdout=output)
    return output.getvalue()


@pytest.fixture
def record(settings):
    settings.RTC_RETENTION_DAYS = 30
    gone = Worker.objects.create(name="gone", host="h", pid=1, ended_at=days_ago(40))
    missed = Worker.objects.create(name="missed", host="h", pid=2, ended_at=days_ago(20))
    alive = Worker.objects.create(name="alive", host="h", pid=3)
    make_session("old", days_ago(31), gone)
    make_session("recent", days_ago(29), missed)
    make_session("live", worker=alive)
    UsedTicket.objects.create(nonce="old", expires_at=days_ago(1))
    UsedTicket.objects.create(nonce="fresh", expires_at=NOW + timedelta(days=1))


def kept():
    return (
        sorted(Session.objects.values_list("session_id", flat=True)),
        sorted(UsedTicket.objects.values_list("nonce", flat=True)),
        sorted(Worker.objects.values_list("name", flat=True)),
        [model.objects.count() for model in (Output, Input, TimelineEntry)],
    )


def test_it_deletes_what_need_not_be_kept(record):
    assert purge() == "Deleted 1 sessions, 1 tickets, 1 workers.\n"
    assert kept() == (["live", "recent"], ["fresh"], ["alive", "missed"], [2, 2, 2])
    assert purge() == "Deleted 0 sessions, 0 tickets, 0 workers.\n"


def test_a_dry_run_says_the_same_and_deletes_nothing(record):
    before = kept()
    assert purge("--dry-run") == "Would delete 1 sessions, 1 tickets, 1 workers.\n"
    assert kept() == before


def test_it_goes_by_the_setting(record, settings):
    settings.RTC_RETENTION_DAYS = 10
    assert purge() == "Deleted 2 sessions, 1 tickets, 2 workers.\n"


def test_sessions_may_be_kept_for_ever(record, settings):
    settings.RTC_RETENTION_DAYS = 10_000_000
    assert purge() == "Deleted 0 sessions, 1 tickets, 0 workers.\n"


def test_it_deletes_in_batches(record, monkeypatch):
    monkeypatch.setattr(rtc_purge, "BATCH", 2)
    for index in range(4):
        make_session(str(index), days_ago(50))
    assert purge().startswith("Deleted 5 sessions")
    assert kept()[0] == ["live", "recent"]


def test_sessions_of_a_lost_worker_are_ended_first(record):
    Worker.objects.filter(name="alive").update(last_beat_at=days_ago(1))
    purge()
    assert Session.objects.get(session_id="live").end_reason == "worker_lost"


PROTECTED = "Kept 3 sessions that other rows refer to (on_delete=PROTECT, RESTRICT or DO_NOTHING).\n"


@pytest.fixture
def tried(monkeypatch):
    """The keys of the rows that were given to the database to delete, one list for each time."""
    monkeypatch.setattr(rtc_purge, "BATCH", 2)
    found = []
    really = rtc_purge._delete_now

    def delete_now(rows, keys):
        if rows.model is Session:
            found.append(keys)
        return really(rows, keys)

    monkeypatch.setattr(rtc_purge, "_delete_now", delete_now)
    return found


def make_invoices(invoices, to, sessions):
    for session in sessions:
        target = session if to is Session else to.objects.get(session=session)
        invoices.objects.create(**{to._meta.model_name: target})


@pytest.mark.parametrize("on_delete", [models.PROTECT, models.RESTRICT])
@pytest.mark.parametrize("to", [Session, Output, Input, TimelineEntry])
def test_sessions_that_rows_of_the_project_protect_are_not_even_tried(settings, tried, on_delete, to):
    sessions = [make_session(f"old{number}", days_ago(40)) for number in range(5)]
    with own_model(on_delete, to) as invoices:
        make_invoices(invoices, to, [sessions[0], sessions[1], sessions[3]])
        assert purge("--dry-run") == "Would delete 2 sessions, 0 tickets, 0 workers.\n" + PROTECTED.replace(
            "Kept", "Would keep"
        )
        assert purge() == "Deleted 2 sessions, 0 tickets, 0 workers.\n" + PROTECTED
        invoices.objects.all().delete()
    assert tried == [[sessions[2].pk, sessions[4].pk]]
    assert kept()[0] == ["old0", "old1", "old3"]
    assert kept()[3] == [3, 3, 3]


@pytest.mark.parametrize("to", [Session, Output])
def test_sessions_that_only_the_database_protects_are_kept_and_no_others(tried, to):
    sessions = [make_session(f"old{number}", days_ago(40)) for number in range(5)]
    with own_model(models.DO_NOTHING, to) as invoices:
        make_invoices(invoices, to, [sessions[0], sessions[1], sessions[3]])
        assert purge("--dry-run") == "Would delete at most 5 sessions, 0 tickets, 0 workers.\n"
        assert purge() == "Deleted 2 sessions, 0 tickets, 0 workers.\n" + PROTECTED
        invoices.objects.all().delete()
    assert kept()[0] == ["old0", "old1", "old3"]


def test_a_restricting_row_that_goes_anyway_keeps_nothing():
    first, second = make_session("old0", days_ago(40)), make_session("old1", days_ago(40))
    with own_model(models.RESTRICT, other=models.CASCADE) as invoices:
        invoices.objects.create(session=first, other=first)
        assert purge("--dry-run").startswith("Would delete at most 2 sessions")
        invoices.objects.create(session=second)
        assert purge() == "Deleted 1 sessions, 0 tickets, 0 workers.\n" + PROTECTED.replace("3", "1")
        invoices.objects.all().delete()
    assert kept()[0] == ["old1"]


def test_a_dry_run_keeps_the_workers_of_the_sessions_it_keeps():
    worker = Worker.objects.create(name="gone", host="h", pid=1, ended_at=days_ago(40))
    session = make_session("old", days_ago(40), worker)
    with own_model(models.PROTECT) as invoices:
        make_invoices(invoices, Session, [session])
        assert purge("--dry-run").startswith("Would delete 0 sessions, 0 tickets, 0 workers.")
        assert purge().startswith("Deleted 0 sessions, 0 tickets, 0 workers.")
        invoices.objects.all().delete()


def test_rows_of_the_project_go_with_their_session_where_it_says_so():
    session = make_session("old", days_ago(40))
    with own_model(models.CASCADE) as invoices:
        invoices.objects.create(session=session)
        purge()
        assert not invoices.objects.exists()
    assert kept()[0] == []
