"""No session goes on that is over for all others: workers that can't reach the database, and rows that were ended."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connections, transaction

from rtc import registry
from rtc.core.exceptions import Refused
from rtc.database import perform
from rtc.models import Session, Worker
from rtc.worker import LocalWorker
from tests.registering import CALLER, at_once, call_on, end, new_client
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def worker(settings):
    settings.RTC_LEASE_S = 0.05
    worker = LocalWorker()
    yield worker
    worker._tasks.cancel()


@asynccontextmanager
async def locked(worker_pk):
    """Within it, that worker can't beat: SQLite has one lock for all that is written."""
    is_locked, release = threading.Event(), threading.Event()

    def lock():
        try:
            with transaction.atomic():
                Worker.objects.select_for_update().get(pk=worker_pk)
                is_locked.set()
                release.wait(10)
        finally:
            connections.close_all()

    holding = asyncio.create_task(asyncio.to_thread(lock))
    await asyncio.to_thread(is_locked.wait, 10)
    try:
        yield
    finally:
        release.set()
        await holding


def reasons():
    return list(Session.objects.order_by("pk").values_list("end_reason", flat=True))


async def test_a_worker_that_cannot_beat_ends_its_sessions_before_others_do(worker, settings, told):
    settings.RTC_WORKER_FENCE_S = 0.4
    client = await call_on(worker)
    row = await worker.row()
    async with locked(row):
        assert await client.until_closed() == 4503
        assert client.frames[-1][1]["data"]["reason"] == "worker_lost"
        assert worker.calls == {} and not worker.runs(row)
    async with asyncio.timeout(5):
        while (await Worker.objects.aget(pk=row)).ended_at is None:
            await asyncio.sleep(0.01)
    assert await perform(reasons) == ["worker_lost"]
    assert [what for what, *_ in told] == ["started", "ended"]
    assert await perform(registry.reap) == []
    again = await call_on(worker)  # under another row
    assert await worker.row() != row
    await again.stop()
    await again.until_closed()


async def test_a_worker_that_cannot_beat_for_a_while_goes_on(worker, settings):
    settings.RTC_WORKER_FENCE_S = 2.0
    client = await call_on(worker)
    row = await worker.row()
    async with locked(row):
        renewed_at = worker._renewed_at
        await asyncio.sleep(0.5)
        assert worker._renewed_at == renewed_at
    await until(lambda: worker._renewed_at > renewed_at)
    await client.stop()
    assert await client.until_closed() == 1000
    assert worker.runs(row)


async def test_a_session_whose_worker_is_taken_for_lost_that_moment_gets_another_row(worker):
    first = await call_on(worker, "first")
    row = await worker.row()
    await perform(registry.retire, row, "worker_lost")
    second = await call_on(worker, "second")
    assert await first.until_closed() == 4503
    assert await worker.row() != row
    await second.stop()
    await second.until_closed()


async def test_a_session_admitted_as_its_worker_gives_up_is_not_run(worker, monkeypatch):
    row = await worker.row()
    admit = registry.admit

    def admit_late(*args):
        pk = admit(*args)
        worker._row = None
        return pk

    monkeypatch.setattr(registry, "admit", admit_late)
    client = new_client(worker)
    await client.start("a")
    assert await client.until_closed() == 4503
    assert row and worker.calls == {}
    assert await perform(reasons) == ["worker_lost"]


async def test_without_a_database_a_client_is_asked_to_come_again(worker, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("away")

    monkeypatch.setattr(registry, "enlist", fail)
    client = new_client(worker)
    await client.start("a")
    assert await client.until_closed() == 4503
    assert client.frames[-1][1]["data"]["reason"] == "no_database"


# On record


def admit(session_id, worker_pk, caller=CALLER):
    return registry.admit(session_id, "default", registry.ConcurrencyLimits(), None, caller, worker_pk)


def test_an_ended_worker_gets_no_sessions():
    pk = registry.enlist("w", "here", 1)
    registry.retire(pk, "shutting_down")
    with pytest.raises(registry.WorkerLost):
        admit("a", pk)
    assert not Session.objects.exists()


def test_a_session_and_its_workers_end_at_once_leave_nothing_live():
    for count in range(5):
        pk = registry.enlist(f"w{count}", "here", 1)

        def work(index, pk=pk, count=count):
            if index == 0:
                return registry.retire(pk, "worker_lost")
            try:
                return admit(f"s{count}-{index}", pk)
            except registry.WorkerLost:
                return None

        at_once(4, work)
    assert not Session.objects.live().exists()


def test_a_worker_retires_once(told):
    pk = registry.enlist("w", "here", 1)
    sessions = [admit(name, pk) for name in ("a", "b")]
    end(sessions[0])
    assert registry.retire(pk, "shutting_down") == [sessions[1]]
    assert registry.retire(pk, "worker_lost") == []
    assert reasons() == ["client_stop", "shutting_down"]
    assert [what for what, *_ in told].count("ended") == 2


def test_what_else_the_database_refuses_is_no_id_in_use():
    pk = registry.enlist("w", "here", 1)
    stranger = get_user_model()(pk=12345)
    with pytest.raises(IntegrityError):
        admit("a", pk, registry.Caller(user=stranger))
    assert admit("a", pk)
    with pytest.raises(Refused):
        admit("a", pk)


async def test_the_first_session_of_an_idle_worker_starts_with_a_whole_lease(worker, settings):
    settings.RTC_LEASE_S = 3.0
    await worker.row()
    worker._renewed_at = stale = worker._renewed_at - 5.0
    async with asyncio.timeout(2):  # before the clock is looked at
        client = await call_on(worker)
        await until(lambda: worker._renewed_at > stale)
    await client.stop()
    await client.leave()
