"""Workers: their heartbeat, and what becomes of the sessions of one that falls silent."""

import asyncio
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from rtc import Stream, registry
from rtc.admission import Admission
from rtc.database import perform
from rtc.models import Session, Worker
from rtc.testing import CallClient
from rtc.worker import LocalWorker, local_worker
from tests.registering import CALLER, admit, at_once, end, enlist
from tests.subjects import Scripted
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)

SOME_S = 15.0


@pytest.fixture(autouse=True)
def lost_s(settings):
    settings.RTC_WORKER_LOST_S = SOME_S


def silence(worker, seconds=SOME_S + 1):
    Worker.objects.filter(pk=worker).update(last_beat_at=timezone.now() - timedelta(seconds=seconds))


def states():
    return dict(Session.objects.values_list("session_id", "end_reason"))


def test_a_silent_worker_loses_its_sessions_and_no_other_does(told):
    lost, lives = enlist("lost"), enlist("lives")
    pks = [admit(name, lost) for name in ("a", "b")]
    end(admit("c", lost))
    admit("d", lives)
    silence(lost)
    assert sorted(registry.reap()) == pks
    assert states() == {"a": "worker_lost", "b": "worker_lost", "c": "client_stop", "d": ""}
    assert sorted(told[-2:]) == [("ended", "a", "worker_lost"), ("ended", "b", "worker_lost")]
    row = Session.objects.get(session_id="a")
    assert (row.state, row.close_code) == ("ended", None) and row.ended_at is not None
    assert Worker.objects.get(pk=lost).ended_at is not None
    assert Worker.objects.get(pk=lives).ended_at is None


def test_what_the_last_heartbeat_told_of_a_session_stays_on_its_record():
    lost = enlist("lost")
    told_of, not_yet_told_of = admit("a", lost), admit("b", lost)
    counts = {"frames_in": 202, "frames_out": 201, "frames_dropped": 1, "errors": 2}
    figures = {str(told_of): {**counts, "idle_s": 0.1, "recent": [[1.0, -20.0, -21.0, 0, 20]]}}
    Worker.objects.filter(pk=lost).update(figures=figures)
    silence(lost)
    assert sorted(registry.reap()) == [told_of, not_yet_told_of]
    row = Session.objects.get(pk=told_of)
    assert {name: getattr(row, name) for name in counts} == counts
    assert row.history == [[1.0, -20.0, -21.0, 0, 20]]
    assert Session.objects.get(pk=not_yet_told_of).frames_in == 0


def test_a_worker_is_lost_once():
    lost = enlist("lost")
    admit("a", lost)
    silence(lost)
    assert len(registry.reap()) == 1
    assert registry.reap() == []


def test_whoever_notices_first_tells_and_nobody_else(told):
    lost = enlist("lost")
    for count in range(10):
        admit(f"session-{count}", lost)
    silence(lost)
    results = at_once(4, lambda index: registry.reap())
    assert sorted(len(result) for result in results) == [0, 0, 0, 10]
    assert sorted(told[10:]) == sorted(("ended", f"session-{count}", "worker_lost") for count in range(10))


def test_an_end_and_a_loss_at_once_are_one_end(told):
    lost = enlist("lost")
    pks = [admit(f"session-{count}", lost) for count in range(4)]
    silence(lost)
    at_once(5, lambda index: registry.reap() if index == 4 else end(pks[index]))
    assert len(told) == 8 and len({name for what, name, _ in told if what == "ended"}) == 4
    assert {(name, reason) for what, name, reason in told if what == "ended"} == set(states().items())


def test_a_worker_that_was_silent_for_less_is_not_lost():
    worker = enlist("slow")
    admit("a", worker)
    silence(worker, SOME_S - 1)
    assert registry.reap() == []


def test_the_next_worker_to_start_ends_what_a_lost_one_left():
    lost = enlist("lost")
    admit("a", lost)
    silence(lost)
    admit("a", enlist("next"))  # the id is free
    assert list(Session.objects.order_by("pk").values_list("end_reason", flat=True)) == ["worker_lost", ""]


def test_another_workers_beat_ends_them():
    lost, lives = enlist("lost"), enlist("lives")
    admit("a", lost)
    silence(lost)
    assert registry.beat(lives, registry.Load())
    assert states() == {"a": "worker_lost"}


def test_a_lost_workers_sessions_take_no_place():
    lost, lives = enlist("lost"), enlist("lives")
    admit("a", lost, stream=1)
    silence(lost)
    admit("b", lives, stream=1)
    assert states() == {"a": "worker_lost", "b": ""}


def test_a_reaper_that_dies_half_way_leaves_it_all_to_the_next(monkeypatch):
    lost = enlist("lost")
    admit("a", lost)
    silence(lost)

    def die(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "_end_sessions", die)
    with pytest.raises(KeyboardInterrupt):
        registry.reap()
    monkeypatch.undo()
    assert len(registry.reap()) == 1


def test_a_worker_that_is_overdue_itself_takes_nobody_for_lost():
    """Itself neither: after the database was away every worker is overdue, and whoever comes first must not end all."""
    first, second = enlist("first"), enlist("second")
    admit("a", first)
    admit("b", second)
    silence(first)
    silence(second)
    admit("c", first, stream=10)
    assert states() == {"a": "", "b": "", "c": ""}
    assert registry.beat(first, registry.Load())
    assert registry.beat(second, registry.Load())
    assert registry.beat(first, registry.Load())
    assert states() == {"a": "", "b": "", "c": ""}
    silence(second)
    assert registry.beat(first, registry.Load())
    assert states() == {"a": "", "b": "worker_lost", "c": ""}


def test_a_beat_records_the_figures_in_one_write(django_assert_num_queries):
    worker = enlist("here")
    silence(worker, 1)
    with django_assert_num_queries(2) as queries:
        assert registry.beat(worker, registry.Load(figures={"1": {"frames_in": 5}}))
    assert sum(query["sql"].startswith("UPDATE") for query in queries) == 1
    row = Worker.objects.get(pk=worker)
    assert row.figures == {"1": {"frames_in": 5}}
    assert timezone.now() - row.last_beat_at < timedelta(seconds=1)


def test_a_worker_that_was_taken_for_lost_hears_it_at_its_next_beat():
    lost = enlist("lost")
    silence(lost)
    registry.reap()
    assert not registry.beat(lost, registry.Load())


async def call_on(worker, session_id, handler):
    stream = Stream(handler)
    client = CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)
    await client.start(session_id)
    await until(lambda: client.call in worker.calls.values())
    return client


@pytest.fixture
async def worker():
    worker = LocalWorker()
    yield worker
    if worker._heart is not None:
        worker._heart.cancel()


async def test_a_worker_enlists_with_its_first_call_and_beats(worker, settings):
    settings.RTC_HEARTBEAT_S = 0.05
    assert await Worker.objects.acount() == 0
    client = await call_on(worker, "a", Scripted())
    (row,) = [row async for row in Worker.objects.all()]
    session = await Session.objects.aget()
    assert session.worker_id == row.pk
    assert worker.calls == {session.pk: client.call}

    async def beaten():
        return (await Worker.objects.aget()).figures

    async with asyncio.timeout(5):
        while not (figures := await beaten()):
            await asyncio.sleep(0.01)
    assert list(figures) == [str(session.pk)]
    assert {"frames_in", "frames_out", "frames_dropped", "errors", "idle_s", "recent"} <= set(figures[str(session.pk)])
    await client.stop()
    await client.until_closed()
    assert worker.calls == {}


async def test_the_loop_looks_after_others_between_the_figures_of_two_calls(worker):
    clients = [await call_on(worker, f"session-{count}", Scripted()) for count in range(4)]
    pks = list(worker.calls)
    order = []

    async def other():
        while len(order) < 20:
            order.append("other")
            await asyncio.sleep(0)

    for pk, call in list(worker.calls.items()):
        call.sample = lambda pk=pk, sample=call.sample: order.append(pk) or sample()
    busy = asyncio.create_task(other())
    await worker.beat()
    await busy
    places = [order.index(pk) for pk in pks]
    assert all("other" in order[first:then] for first, then in zip(places, places[1:], strict=False))
    assert list((await Worker.objects.aget()).figures) == [str(pk) for pk in pks]

    def lose_all():
        worker.calls.clear()
        worker.give_up()
        return {}

    calls = dict(worker.calls)
    worker.calls[pks[0]].sample = lose_all
    await worker.beat()
    assert order.count(pks[1]) == 1, "it was not asked once it was gone"
    worker.calls.update(calls)
    for client in clients:
        await client.stop()
        await client.until_closed()


async def test_a_call_whose_figures_fail_costs_no_others_and_no_beat(worker, caplog):
    clients = [await call_on(worker, f"session-{count}", Scripted()) for count in range(2)]
    failing, fine = worker.calls

    def fail():
        raise ValueError("odd")

    worker.calls[failing].sample = fail
    for _ in range(2):
        await worker.beat()
    row = await Worker.objects.aget()
    assert list(row.figures) == [str(fine)] and row.session_count == 2
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "session-0" in record.getMessage() and record.exc_info
    for client in clients:
        await client.stop()
        await client.until_closed()


async def test_calls_of_a_worker_share_its_row(worker):
    rows = await asyncio.gather(*(worker.row() for _ in range(20)))
    assert len(set(rows)) == 1 and await Worker.objects.acount() == 1


async def test_a_worker_that_was_taken_for_lost_ends_its_calls_and_enlists_anew(worker, told):
    handlers = [Scripted(), Scripted()]
    clients = [await call_on(worker, f"session-{count}", handler) for count, handler in enumerate(handlers)]
    first_row = await worker.row()
    await perform(silence, first_row)
    assert len(await perform(registry.reap)) == 2
    await worker.beat()
    for client, handler in zip(clients, handlers, strict=True):
        assert await client.until_closed() == 4503
        assert client.frames[-1][1]["data"]["reason"] == "worker_lost"
        assert handler.calls == ["start_up", "shutdown"]
    assert worker.calls == {}
    assert await worker.row() != first_row
    ended = [(name, reason) for what, name, reason in told if what == "ended"]
    assert sorted(ended) == [("session-0", "worker_lost"), ("session-1", "worker_lost")]
    again = await call_on(worker, "session-0", Scripted())
    await again.stop()
    await again.until_closed()


async def test_a_heart_outlives_a_database_that_is_away(worker, settings, monkeypatch, caplog):
    settings.RTC_HEARTBEAT_S = 0.02
    pk = await worker.row()
    beat = registry.beat

    def fail(*args):
        monkeypatch.setattr(registry, "beat", beat)
        raise OperationalError("away")

    monkeypatch.setattr(registry, "beat", fail)
    await perform(silence, pk, 5)
    async with asyncio.timeout(5):
        while timezone.now() - (await Worker.objects.aget()).last_beat_at > timedelta(seconds=1):
            await asyncio.sleep(0.01)
    assert "could not be recorded" in caplog.text


async def test_a_heart_beats_however_much_is_still_to_be_written(worker, settings):
    settings.RTC_HEARTBEAT_S = 0.02
    pk = await worker.row()
    await perform(silence, pk, 5)
    release = threading.Event()
    busy = asyncio.ensure_future(perform(release.wait))
    try:
        async with asyncio.timeout(5):
            while timezone.now() - (await Worker.objects.aget()).last_beat_at > timedelta(seconds=1):
                await asyncio.sleep(0.01)
    finally:
        release.set()
        await busy


async def test_an_event_loop_has_one_worker():
    assert local_worker() is local_worker()
