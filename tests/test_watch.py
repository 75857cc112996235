"""What readers of outputs were not told is found all the same."""

import asyncio
import logging
import threading
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connections
from django.utils import timezone

from rtc import reading, watch
from rtc.database import submit
from rtc.models import Output, Session, Worker
from tests.registering import end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tidied():
    yield
    reading._thread.submit(connections.close_all).result()


@pytest.fixture
def session():
    return Session.objects.create(session_id="a", stream="default", state=Session.State.ACTIVE)


@pytest.fixture
def told(monkeypatch):
    told = []
    monkeypatch.setattr(watch, "announce", told.append)
    monkeypatch.setattr(watch, "announce_start", told.append)
    return told


@pytest.fixture
def read_by(monkeypatch):
    def read_by(*session_pks, waited_for=()):
        monkeypatch.setattr(watch, "listened", lambda: (set(session_pks), set(waited_for)))

    return read_by


async def look(it, told):
    told.clear()
    await it.look()
    await asyncio.wrap_future(it._reaping)
    return list(told)


async def test_it_tells_of_what_changed(session, told, read_by):
    it = watch.Watch()
    read_by(session.pk)
    assert await look(it, told) == [session.pk]  # seen for the first time
    assert await look(it, told) == []
    await Output.objects.acreate(session=session, position=1, payload="1")
    assert await look(it, told) == [session.pk]
    assert await look(it, told) == []
    await sync_to_async(end)(session.pk)
    assert await look(it, told) == [session.pk]
    await session.adelete()
    pk = it._seen and next(iter(it._seen))
    assert await look(it, told) == [pk]
    assert await look(it, told) == []


async def test_it_tells_of_a_start(session, told, read_by):
    read_by(waited_for=["a", "b"])
    assert await look(watch.Watch(), told) == ["a"]


async def test_it_ends_the_sessions_of_a_lost_worker(session, told, read_by):
    long_ago = timezone.now() - timedelta(hours=1)
    session.worker = await Worker.objects.acreate(name="w", host="h", pid=1, last_beat_at=long_ago)
    await session.asave()
    read_by(session.pk)
    it = watch.Watch()
    await look(it, told)
    assert await look(it, told) == [session.pk]
    await session.arefresh_from_db()
    assert session.end_reason == "worker_lost"


async def test_it_reaps_one_at_a_time(told, read_by):
    read_by()
    it = watch.Watch()
    go = threading.Event()
    submit(go.wait, 5)
    await it.look()
    first = it._reaping
    await it.look()
    assert it._reaping is first
    go.set()
    await asyncio.wrap_future(first)


async def test_it_looks_while_somebody_reads(settings, told, read_by, monkeypatch, caplog):
    settings.RTC_OUTPUTS_POLL_S = 0.01
    looks = asyncio.Semaphore(0)

    async def look(self):
        looks.release()
        raise OperationalError("away")

    monkeypatch.setattr(watch.Watch, "look", look)
    it = watch.Watch()
    with it.reading(), it.reading(), caplog.at_level(logging.WARNING):
        for _ in range(3):
            await asyncio.wait_for(looks.acquire(), 5)
    await asyncio.wait_for(it._task, 5)
    assert "can't be looked at now: away" in caplog.text
    with it.reading():
        await asyncio.wait_for(looks.acquire(), 5)
    await asyncio.wait_for(it._task, 5)
