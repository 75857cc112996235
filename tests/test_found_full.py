"""Of many who want few places, most are refused without a look of their own."""

import asyncio
import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc import Stream, registry
from rtc.admission import Admission
from rtc.core.exceptions import Refused
from rtc.found_full import REMEMBERED, FoundFull
from rtc.journal import journal
from rtc.models import Session
from rtc.testing import CallClient
from tests.registering import CALLER, records_waiting
from tests.subjects import Scripted
from tests.virtual_time import until

PLACES, BURST = 3, 40
STREAM, USER, OVERALL = "concurrency_limit_reached", "user_limit_reached", "server_limit_reached"
HELD = "connection_already_exists"


def answer(found, asked_at, stream="a", user_pk=None):
    try:
        found.refuse(asked_at, stream, user_pk)
    except Refused as refusal:
        return refusal.reason, refusal.close_code, refusal.limit
    return None


def noting(reason, looked_at, stream="a", user_pk=None):
    found = FoundFull()
    found.note(Refused(reason, 4429, PLACES), looked_at, stream, user_pk)
    return found


@given(st.floats(0, 10), st.floats(0, 10))
def test_only_who_asked_before_the_look_is_answered_by_it(looked_at, asked_at):
    found = noting(STREAM, looked_at)
    assert answer(found, asked_at) == ((STREAM, 4429, PLACES) if asked_at < looked_at else None)


@pytest.mark.parametrize(
    ("reason", "others"),
    [
        (STREAM, {("a", 1): True, ("a", 2): True, ("a", None): True, ("b", 1): False}),
        (USER, {("a", 1): True, ("b", 1): True, ("a", 2): False, ("a", None): False}),
        (OVERALL, {("a", 1): True, ("b", 2): True, ("b", None): True}),
        (HELD, {("a", 1): False, ("b", 2): False}),
        ("ticket_used", {("a", 1): False, ("b", 2): False}),
    ],
)
def test_it_answers_those_who_want_the_same_places(reason, others):
    found = noting(reason, 5.0, "a", 1)
    assert {whose: answer(found, 4.0, *whose) is not None for whose in others} == others


def test_the_last_look_counts_and_the_memory_is_bounded():
    found = noting(STREAM, 5.0)
    found.note(Refused(STREAM, 4429, PLACES), 7.0, "a", None)
    assert answer(found, 6.0) == (STREAM, 4429, PLACES)
    for index in range(10 * REMEMBERED):
        found.note(Refused(STREAM, 4429, PLACES), 8.0, f"stream {index}", None)
    assert len(found._found) <= REMEMBERED
    assert answer(found, 6.0, f"stream {10 * REMEMBERED - 1}") == (STREAM, 4429, PLACES)


@pytest.fixture
def looks(monkeypatch):
    """Session ids for whom the database was asked."""
    looks = []
    admit = registry.admit

    def noted(session_id, *args):
        looks.append(session_id)
        return admit(session_id, *args)

    monkeypatch.setattr(registry, "admit", noted)
    return looks


def new_client(worker):
    stream = Stream(Scripted(), concurrency_limit=PLACES)
    return CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)


async def started(worker, session_id):
    """The client if it got a place, else None."""
    client = new_client(worker)
    await client.start(session_id)
    await client.until(lambda _: client.call in worker.calls.values() or client.close_code is not None)
    if client.close_code is None:
        return client
    assert client.close_code == 4429
    assert client.frames[0][1] == {"status": "failed", "meta": {"error": STREAM, "limit": PLACES}}
    return None


@pytest.mark.django_db(transaction=True)
async def test_of_a_burst_one_who_is_refused_looks_for_all(worker, looks):
    await worker.row()
    with records_waiting():
        burst = [asyncio.ensure_future(started(worker, f"{index}")) for index in range(BURST)]
        await until(lambda: worker._admitting == BURST)
    clients = await asyncio.gather(*burst)
    assert [client is not None for client in clients] == [True] * PLACES + [False] * (BURST - PLACES)
    assert looks == [f"{index}" for index in range(PLACES + 1)]
    # A place that is free again is found by whoever asks after that.
    await clients[0].stop()
    await clients[0].until_closed()
    assert await started(worker, "later") is not None
    assert await started(worker, "latest") is None
    assert looks[-2:] == ["later", "latest"]


@pytest.mark.django_db(transaction=True)
async def test_who_asks_behind_an_end_is_not_refused_by_a_look_ahead_of_it(worker, looks):
    """The place is free on record by the time that it is looked for."""
    first, *_ = [await started(worker, f"{index}") for index in range(PLACES)]
    while await Session.objects.filter(state=Session.State.ACTIVE).acount() < PLACES:
        pass  # the end would be written together with what waits already, which is ahead of both
    with records_waiting():
        ahead = asyncio.ensure_future(started(worker, "ahead"))
        await until(lambda: worker._admitting == 1)
        await first.stop()
        await until(lambda: journal.ending)
        behind = asyncio.ensure_future(started(worker, "behind"))
        await until(lambda: worker._admitting == 2)
    assert await ahead is None
    assert await behind is not None


@pytest.mark.django_db(transaction=True)
async def test_nothing_is_kept_of_who_was_refused(worker):
    places = [await started(worker, f"{index}") for index in range(PLACES)]
    client = new_client(worker)
    await client.start("refused")
    assert await client.until_closed() == 4429
    assert worker.found_full._found
    refused = weakref.ref(client.call)
    del client
    # The thread of the records lets go of its last job a moment after it has answered.
    await until(lambda: gc.collect() >= 0 and refused() is None)
    assert len(worker.calls) == len(places)
