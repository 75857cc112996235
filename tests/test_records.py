"""What a call's record stores, in a real table."""

import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from rtc import journal as module
from rtc import records, telling
from rtc.database import perform, submit
from rtc.journal import journal
from rtc.models import Input, Output, Session, TimelineEntry
from rtc.records import CallRecord
from rtc.registry import Figures
from rtc.signals import handler_failed, session_ended, turn_finished
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)

TURN = {"said_s": 1.0, "delay_s": 0.3, "reply_s": 1.0, "heard_s": 1.0, "interrupted": False, "failed": False}


async def test_what_is_put_out_after_the_end_goes_nowhere():
    session = await sync_to_async(Session.objects.create)(session_id="a", stream="default", state=Session.State.ACTIVE)
    told = []
    record = CallRecord(session.pk, None)
    await record.output((1,), told.append)
    record.ended("client_gone", None, Figures())
    await record.output((2,), told.append)
    await record.flush()
    await perform(int)  # the writer takes one thing after the other
    payloads = await sync_to_async(list)(Output.objects.values_list("payload", flat=True))
    assert (payloads, told) == (["1"], [1])


@pytest.fixture
async def session():
    return await sync_to_async(Session.objects.create)(session_id="a", stream="default", state=Session.State.ACTIVE)


@pytest.fixture
def held_up():
    """The writer writes nothing until it is set."""
    go = threading.Event()
    submit(go.wait, 10)
    yield go
    go.set()


async def test_an_input_that_waits_for_the_database_is_no_longer_than_what_is_kept_of_it(session, held_up, settings):
    settings.RTC_STORED_INPUT_CHARS = 100
    CallRecord(session.pk, None).input(["x" * 1_000])
    [waiting] = journal._pending
    assert (waiting.payload, waiting.size) == ('["' + "x" * 98, 1_004)
    held_up.set()
    await perform(int)
    record = await Input.objects.aget()
    assert (record.payload, record.size) == ('["' + "x" * 98, 1_004)


async def test_of_more_inputs_than_may_wait_only_that_they_came_is_kept(session, held_up, monkeypatch):
    monkeypatch.setattr(records, "INPUTS_WAITING", 2)
    record = CallRecord(session.pk, None)
    for value in range(4):
        record.input([value])
    held_up.set()
    await until(lambda: record._inputs_waiting == 0)
    record.input([4])
    await perform(int)
    rows = await sync_to_async(list)(Input.objects.order_by("pk").values_list("payload", "size"))
    assert rows == [("[0]", 3), ("[1]", 3), ("", 3), ("", 3), ("[4]", 3)]


@pytest.mark.parametrize("patience_s", [60.0, 0.0])
async def test_what_happened_is_told_in_order_however_it_is_written(
    session, held_up, monkeypatch, settings, patience_s
):
    """Also where the database is away for too long: the end is written later then."""
    settings.RTC_DATABASE_PATIENCE_S = patience_s
    told = []
    signals = {handler_failed: "failed", turn_finished: "turn", session_ended: "ended"}

    def listen(signal, **kwargs):
        told.append(signals[signal])

    write, fail = module._write, patience_s == 0.0

    def write_unless_away(batch):
        if fail:
            raise OperationalError("it is away")
        write(batch)

    monkeypatch.setattr(module, "_write", write_unless_away)
    for signal in signals:
        signal.connect(listen)
    record = CallRecord(session.pk, None)
    record.turn(TURN)
    record.failed(ValueError("no"))
    record.ended("handler_failed", 1011, Figures())
    held_up.set()
    await perform(int)
    fail = False
    journal.resume()
    await perform(int)
    await perform(int)
    assert telling.settle(10)
    for signal in signals:
        signal.disconnect(listen)
    assert told == ["turn", "failed", "ended"]


async def test_a_receiver_finds_what_it_is_told_of_on_record():
    session = await sync_to_async(Session.objects.create)(session_id="a", stream="default", state=Session.State.ACTIVE)
    record = CallRecord(session.pk, None)
    found = []

    def look(session_pk, **kwargs):
        rows = Output.objects, TimelineEntry.objects
        found.append([row.filter(session=session_pk).count() for row in rows])

    release = threading.Event()
    submit(release.wait, 10)
    turn_finished.connect(look)
    handler_failed.connect(look)
    await record.output((1,), int)
    record.turn(TURN)
    record.failed(ValueError())
    release.set()
    await perform(int)
    assert telling.settle(10)
    turn_finished.disconnect(look)
    handler_failed.disconnect(look)
    assert found == [[1, 2], [1, 2]]
