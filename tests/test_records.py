"""What a call's record stores, in a real table."""

import threading

import pytest
from asgiref.sync import sync_to_async

from rtc import telling
from rtc.database import perform, submit
from rtc.models import Output, Session, TimelineEntry
from rtc.records import CallRecord
from rtc.registry import Figures
from rtc.signals import handler_failed, turn_finished

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
