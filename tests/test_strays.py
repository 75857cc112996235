"""A session whose admission was committed, and whose worker never heard so, is ended; no other is."""

import asyncio
import threading

import pytest
from django.db import OperationalError

from rtc import registry, strays
from rtc.database import perform, perform_beside, submit
from rtc.journal import journal
from rtc.models import Session
from tests.registering import CALLER, call_on, new_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(strays, "STRAY_S", 0.0)


@pytest.fixture
def unheard(monkeypatch):
    """The next admission is committed, and the connection is lost before that is answered."""
    record = registry._record

    def lose_the_answer(*args):
        monkeypatch.undo()
        monkeypatch.setattr(strays, "STRAY_S", 0.0)
        record(*args)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(registry, "_record", lose_the_answer)


def on_record():
    return list(Session.objects.order_by("pk").values_list("state", "end_reason", "close_code"))


async def test_a_session_whose_admission_was_not_heard_of_is_ended(worker, unheard, monkeypatch):
    client = new_client(worker)
    await client.start("a")
    assert await client.until_closed() == 4503
    assert await perform(on_record) == [("starting", "", None)]
    monkeypatch.setattr(strays, "STRAY_S", 0.3)
    await worker.beat()
    await worker.beat()
    assert await perform(on_record) == [("starting", "", None)]
    await asyncio.sleep(0.3)
    await worker.beat()
    assert await perform(on_record) == [("ended", "no_database", 4503)]
    again = await call_on(worker)  # the id is free
    await again.stop()
    await again.until_closed()


async def test_a_call_that_runs_and_one_whose_end_waits_to_be_written_are_no_strays(worker, told):
    stays, goes = [await call_on(worker, name) for name in ("stays", "goes")]
    await perform(int)  # their handlers run, on record
    release = threading.Event()
    submit(release.wait, 10)
    await goes.stop()
    await goes.until_closed()
    for _ in range(3):
        await worker.beat()
    assert len(journal.ending) == 1
    assert await perform_beside(on_record) == [("active", "", None)] * 2
    release.set()
    await perform(int)
    assert journal.ending == set()
    assert await perform(on_record) == [("active", "", None), ("ended", "client_stop", 1000)]
    await stays.stop()
    await stays.until_closed()


async def test_others_sessions_are_no_strays_of_ours(worker):
    other = await perform(registry.enlist, "other", "there", 1)
    await perform(registry.admit, "a", "default", registry.ConcurrencyLimits(), None, CALLER, other)
    await worker.row()
    for _ in range(3):
        await worker.beat()
    assert await perform(on_record) == [("starting", "", None)]
