"""What an event stream of outputs is made of."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django_eventstream.event import Event
from django_eventstream.utils import sse_encode_event
from hypothesis import example, given
from hypothesis import strategies as st

from rtc import output_views, outputs, reading, registry
from rtc.lookup import sessions_of
from rtc.ownership import Claim
from rtc.payloads import output_payload
from rtc.records import CallRecord
from rtc.registry import ConcurrencyLimits
from tests.registering import CALLER


@given(st.text() | st.text().map(lambda text: output_payload((text,))))
@example("two\nlines")
@example("two\r\nlines\r")
@example("a line separator is none: \u2028\x0b\x85")
def test_an_event_is_written_as_django_eventstream_writes_it(data):
    event = Event("rtc-1", "output", data, id=3)
    assert outputs._encode(event) == sse_encode_event("output", data, event_id="rtc-1:3")


@pytest.fixture
def session_pk(transactional_db):
    worker_pk = registry.enlist("w", "host", 1)
    yield registry.admit("a", "default", ConcurrencyLimits(), None, CALLER, worker_pk)
    reading._thread.submit(connections.close_all).result()


async def test_audio_comes_between_the_steps_of_a_reader(session_pk):
    """What a reader that comes again is given at first takes the time of several echoed frames."""
    record = CallRecord(session_pk, None)
    for value in range(3):
        await record.output((value,), lambda count: None)
    await record.flush()
    [session] = await sessions_of("a")
    turns = 0

    async def take_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    stream = output_views._stream(Claim(), "a", session, 1, {})
    seen = []
    for _ in range(2):
        text = await anext(stream)
        seen.append((text, turns))
    others.cancel()
    await stream.aclose()
    (opening, before), (events, after) = seen
    assert opening == output_views.OPENING
    assert events.count("event: output\n") == 2
    assert 0 < before < after
    await sync_to_async(connections.close_all)()
