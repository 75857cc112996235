"""The database keeps nobody waiting who wants to start."""

import threading

import pytest
from django.db import OperationalError
from django.test import AsyncClient

from rtc import Stream, registry
from rtc.admission import Admission
from rtc.database import perform
from rtc.models import Session, Worker
from rtc.testing import CallClient
from rtc.tickets import make_ticket
from rtc.worker import local_worker
from tests.registering import CALLER, records_waiting
from tests.subjects import Scripted
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def soon(settings):
    settings.RTC_ADMISSION_TIMEOUT_S = 0.2


def new_client(worker, ticket=""):
    stream = Stream(Scripted(), concurrency_limit=1)
    admission = Admission(stream, "default", CALLER, worker, ticket=ticket)
    return CallClient(stream, admission=admission, calls=worker.calls)


async def refused(client):
    await client.start("a")
    assert await client.until_closed(2) == 4503
    return client.frames[-1][1]["data"]["reason"]


def on_record():
    return list(Session.objects.order_by("pk").values_list("end_reason", "close_code"))


async def starts(worker):
    client = new_client(worker)
    await client.start("a")
    await until(lambda: client.call in worker.calls.values())
    await client.stop()
    await client.until_closed()


@pytest.mark.parametrize("enlisted", [True, False])
async def test_behind_records_that_wait_a_client_is_asked_to_come_again(worker, enlisted):
    if enlisted:
        await worker.row()
    with records_waiting():
        assert await refused(new_client(worker)) == "no_database"
    assert await perform(on_record) == []
    await starts(worker)


async def test_a_ticket_is_looked_up_in_time_or_not_at_all(worker):
    ticket = await perform(make_ticket, "default", None)
    with records_waiting():
        assert await refused(new_client(worker, ticket)) == "no_database"


@pytest.fixture
def late(monkeypatch):
    """Has a function of the registry return only when it is let go, after it has done its work."""
    let_go = threading.Event()

    def late(name):
        work = getattr(registry, name)

        def do_and_wait(*args, **kwargs):
            result = work(*args, **kwargs)
            let_go.wait(10)
            return result

        monkeypatch.setattr(registry, name, do_and_wait)
        return let_go

    yield late
    let_go.set()


async def test_a_session_that_is_admitted_too_late_is_ended_and_keeps_no_place(worker, late, told):
    await worker.row()
    let_go = late("admit")
    assert await refused(new_client(worker)) == "no_database"
    let_go.set()
    await perform(int)
    await perform(int)  # the end came behind the first one
    assert await perform(on_record) == [("no_database", 4503)]
    assert told == [("started", "a", "starting"), ("ended", "a", "no_database")]
    await starts(worker)


async def test_a_worker_that_is_enlisted_too_late_gets_no_sessions(worker, late):
    let_go = late("enlist")
    assert await refused(new_client(worker)) == "no_database"
    let_go.set()
    await starts(worker)
    rows = await perform(lambda: list(Worker.objects.order_by("pk").values_list("pk", "ended_at")))
    assert [ended_at is None for _, ended_at in rows] == [False, True]
    assert worker.runs(rows[1][0])


async def ready():
    response = await AsyncClient().get("/readyz")
    return response.status_code, response.json()["database"]


async def test_it_is_not_ready_while_records_wait():
    assert await ready() == (200, "ok")
    with records_waiting():
        assert await ready() == (503, "away")
    assert await ready() == (200, "ok")


async def test_it_is_not_ready_while_its_heartbeat_fails(monkeypatch):
    worker = local_worker()
    await worker.row()

    def fail(*args):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(registry, "beat", fail)
        await worker._try(worker.beat())
        assert await ready() == (503, "away")
    await worker._try(worker.beat())
    assert await ready() == (200, "ok")
