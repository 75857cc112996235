"""What a call's record stores, in a real table."""

import pytest
from asgiref.sync import sync_to_async

from rtc.database import perform
from rtc.models import Output, Session
from rtc.records import CallRecord
from rtc.registry import Figures

pytestmark = pytest.mark.django_db(transaction=True)


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
