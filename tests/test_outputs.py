"""How outputs are served from the table and how readers are woken. With a real server: `tests/live/test_outputs.py`."""

import asyncio
import json
import re
from unittest.mock import Mock

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, connections
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django_eventstream import send_event
from django_eventstream.eventstream import EventPermissionError
from django_eventstream.utils import get_storage
from django_eventstream.views import Listener, get_listener_manager

from rtc import output_views, outputs, reading, registry
from rtc.database import submit
from rtc.models import Output, Session
from rtc.outputs import (
    OutputListenerManager,
    OutputStorage,
    channel_of,
    events_after,
    position_of,
    waiting_for,
)
from rtc.ownership import Claim
from rtc.recent import recent
from rtc.records import CallRecord
from rtc.watch import watch
from tests.registering import CALLER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session():
    return Session.objects.create(session_id="a", stream="default", state=Session.State.ACTIVE)


@pytest.fixture(autouse=True)
def tidied():
    yield
    reading._thread.submit(connections.close_all).result()


def store(session, *positions):
    Output.objects.bulk_create(
        Output(session=session, position=position, payload=json.dumps(position)) for position in positions
    )


def end(session, reason="idle"):
    assert registry.end(session.pk, reason, 4408, registry.Figures())


def read(session_pk, last_id, limit=100):
    """What the storage gives a reader who was admitted: (type, data, id) of each event."""
    channel = channel_of(session_pk)
    admitted = outputs._admitted.set(channel)
    try:
        events = OutputStorage().get_events(channel, last_id, limit)
    finally:
        outputs._admitted.reset(admitted)
    assert {event.channel for event in events} <= {channel}
    return [(event.type, event.data, event.id) for event in events]


class TestStorage:
    def test_gives_what_is_behind_an_id_in_order(self, session):
        store(session, 3, 1, 2)
        store(Session.objects.create(session_id="b", stream="default"), 1, 4)
        assert read(session.pk, 0) == [("output", "1", 1), ("output", "2", 2), ("output", "3", 3)]
        assert read(session.pk, 2) == [("output", "3", 3)]
        assert read(session.pk, 3) == read(session.pk, 99) == []

    def test_the_end_comes_behind_the_last_output(self, session):
        store(session, 1, 2)
        end(session)
        ended = ("end", '{"reason": "idle"}', 3)
        assert read(session.pk, 0) == [("output", "1", 1), ("output", "2", 2), ended]
        assert read(session.pk, 2) == [ended]

    def test_the_end_of_a_session_without_outputs(self, session):
        end(session)
        assert read(session.pk, 0) == [("end", '{"reason": "idle"}', 1)]

    def test_the_end_waits_while_there_may_be_more(self, session):
        store(session, *range(1, 8))
        end(session)
        assert [kind for kind, _, _ in read(session.pk, 0, limit=7)] == ["output"] * 7
        assert [kind for kind, _, _ in read(session.pk, 0, limit=8)] == ["output"] * 7 + ["end"]

    def test_a_deleted_session_has_ended(self, session):
        session_pk = session.pk
        session.delete()
        assert read(session_pk, 5) == [("end", '{"reason": "deleted"}', 6)]

    def test_the_end_waits_while_what_was_read_is_as_much_as_may_be(self, session, monkeypatch):
        monkeypatch.setattr(outputs, "READ_CHARS", 100)
        payloads = ["x" * 40, "x" * 40, "x" * 40, "x" * 1_000, "x" * 40]
        Output.objects.bulk_create(
            Output(session=session, position=at, payload=payload) for at, payload in enumerate(payloads, 1)
        )
        end(session)
        assert [at for _, _, at in read(session.pk, 0)] == [1, 2, 3]
        assert [at for _, _, at in read(session.pk, 3)] == [4]
        assert [(kind, at) for kind, _, at in read(session.pk, 4)] == [("output", 5), ("end", 6)]

    def test_reads_once(self, session):
        store(session, 1)
        end(session)
        with CaptureQueriesContext(connection) as queries:
            read(session.pk, 0)
        assert len(queries) == 1

    def test_is_closed_to_whoever_did_not_come_through_our_view(self, session):
        store(session, 1)
        for ask in (OutputStorage().get_current_id, lambda channel: OutputStorage().get_events(channel, 0)):
            with pytest.raises(EventPermissionError):
                ask(channel_of(session.pk))

    def test_takes_no_events_of_others_for_our_channels(self, session):
        with pytest.raises(ValueError, match="takes no events"):
            send_event(channel_of(session.pk), "output", {})

    def test_leaves_other_channels_where_they_were(self):
        send_event("news", "message", {"a": 1})
        send_event("rtc-news", "message", {"a": 2})
        storage = get_storage()
        assert isinstance(storage, OutputStorage)
        assert [event.type for event in storage.get_events("news", 0)] == ["message"]
        assert storage.get_current_id("rtc-news") == 1


@pytest.mark.parametrize(
    ("event_id", "position"),
    [("rtc-7:3", 3), ("rtc-8:3", 0), ("rtc-7:", 0), ("rtc-7:-3", 0), ("rtc-7:\u0663", 0), ("rtc-7:3,a:1", 0), ("", 0)],
)
def test_positions_in_event_ids(event_id, position):
    assert position_of(event_id, 7) == position


def listen(manager, channel):
    listener = Listener()
    listener.channels = {channel}
    listener.assign_loop()
    manager.add_listener(listener)
    return listener


class TestListenerManager:
    async def test_is_installed(self):
        assert isinstance(get_listener_manager(), OutputListenerManager)

    async def test_wakes_and_hands_over_nothing(self):
        manager = OutputListenerManager()
        ours, other = listen(manager, "rtc-1"), listen(manager, "rtc-2")
        await asyncio.to_thread(manager.add_to_queues, "rtc-1", object())
        await asyncio.wait_for(ours.aevent.wait(), 1)
        assert (ours.overflow, ours.channel_items) == (True, {})
        assert not other.aevent.is_set()

    async def test_wakes_once_until_it_was_heard(self, monkeypatch):
        manager = OutputListenerManager()
        listener = listen(manager, "rtc-1")
        wakes = []
        monkeypatch.setattr(listener, "wake_threadsafe", lambda: wakes.append(1))
        manager.wake("rtc-1")
        manager.wake("rtc-1")
        listener.overflow = False  # as stream() does when it takes it
        manager.wake("rtc-1")
        assert len(wakes) == 2

    async def test_queues_for_the_channels_of_others(self):
        manager = OutputListenerManager()
        listener = listen(manager, "news")
        manager.add_to_queues("news", "event")
        assert listener.channel_items == {"news": ["event"]}

    def test_a_listener_whose_loop_is_gone_is_passed_over(self):
        manager = OutputListenerManager()

        async def leave():
            listen(manager, "rtc-1")

        asyncio.run(leave())
        manager.wake("rtc-1")

    async def test_tells_what_is_listened_to(self):
        with waiting_for("b"):
            listener = listen(outputs._listeners, "rtc-12")
            assert outputs.listened() == ({12}, {"b"})
            outputs._listeners.remove_listener(listener)
        assert outputs.listened() == (set(), set())


async def test_a_start_is_heard_once():
    with waiting_for("b") as start:
        assert not await start.announced(0.01)
        outputs.announce_start("c")
        assert not await start.announced(0.01)
        await asyncio.to_thread(outputs.announce_start, "b")
        assert await start.announced(1)
        assert not await start.announced(0.01)


async def next_text(texts):
    return await asyncio.wait_for(anext(texts), 5)


async def test_a_reader_follows_announcements_to_the_end(session):
    texts = events_after(session.pk, 0)
    assert "event: stream-open" in await next_text(texts)
    await sync_to_async(store)(session, 1)
    outputs.announce(session.pk)
    assert await next_text(texts) == f"event: output\nid: rtc-{session.pk}:1\ndata: 1\n\n"
    await sync_to_async(end)(session)
    outputs.announce(session.pk)
    assert await next_text(texts) == f'event: end\nid: rtc-{session.pk}:2\ndata: {{"reason": "idle"}}\n\n'
    with pytest.raises(StopAsyncIteration):
        await next_text(texts)
    assert outputs.listened() == (set(), set())


async def test_a_reader_of_large_outputs_gets_them_all_piece_by_piece(session, monkeypatch):
    monkeypatch.setattr(outputs, "READ_CHARS", 1_000)
    sizes = [10, 400, 5_000, 300, 300, 300, 300, *[1] * 250, 999, 2]
    rows = [Output(session=session, position=at, payload="7" * size) for at, size in enumerate(sizes, 1)]
    await Output.objects.abulk_create(rows)
    await sync_to_async(end)(session)
    asked = []
    get_events = OutputStorage.get_events
    monkeypatch.setattr(OutputStorage, "get_events", lambda *args: asked.append(args[-1]) or get_events(*args))
    texts = [text async for text in events_after(session.pk, 0)]
    found = [(int(at), len(data)) for at, data in re.findall(r"id: rtc-\d+:(\d+)\ndata: (7+)\n", "".join(texts))]
    assert found == list(enumerate(sizes, 1))
    assert texts[-1].endswith('data: {"reason": "idle"}\n\n')
    assert max(text.count("7") for text in texts) < 1_000 + 5_000
    assert asked[0] == outputs.READ_ROWS and asked[1] == 6


class TestRecentOutputs:
    """Readers of the process that stores them."""

    @pytest.fixture(autouse=True)
    def forgotten(self, session):
        yield
        recent.forget(session.pk)

    @staticmethod
    async def put(session, position):
        """As the journal does it."""
        await sync_to_async(store)(session, position)
        recent.add(session.pk, position, json.dumps(position))
        outputs.announce(session.pk)

    async def test_are_read_without_the_database(self, session, monkeypatch):
        texts = events_after(session.pk, 0)
        await next_text(texts)
        await self.put(session, 1)
        with monkeypatch.context() as patch:
            patch.setattr(OutputStorage, "get_events", lambda *_: pytest.fail("the database was asked"))
            for position in (1, 2, 3):
                assert await next_text(texts) == f"event: output\nid: rtc-{session.pk}:{position}\ndata: {position}\n\n"
                await self.put(session, position + 1)
        await texts.aclose()

    async def test_their_end_is_told_of_once_they_are_forgotten(self, session):
        texts = events_after(session.pk, 0)
        await next_text(texts)
        await self.put(session, 1)
        await next_text(texts)
        recent.add(session.pk, 2, "2")
        await sync_to_async(store)(session, 2)
        await sync_to_async(end)(session)  # announces it; the reader finds an output that it has not had
        assert "data: 2" in await next_text(texts)
        recent.forget(session.pk)
        outputs.announce(session.pk)
        assert "event: end" in await next_text(texts)

    async def test_what_another_process_ends_is_found_in_time(self, session, monkeypatch):
        monkeypatch.setattr(outputs, "KEEP_ALIVE_S", 0.05)
        await self.put(session, 1)
        texts = events_after(session.pk, 0)
        assert "data: 1" in await next_text(texts)
        await sync_to_async(Session.objects.filter(pk=session.pk).update)(state=Session.State.ENDED, end_reason="idle")
        assert await next_text(texts) == outputs.KEEP_ALIVE
        assert "event: end" in await next_text(texts)

    async def test_are_read_on_though_the_database_was_away(self, session, monkeypatch):
        await self.put(session, 1)
        texts = events_after(session.pk, 0)
        assert "data: 1" in await next_text(texts)
        with monkeypatch.context() as patch:
            patch.setattr(outputs, "KEEP_ALIVE_S", 0.05)
            patch.setattr(OutputStorage, "get_events", Mock(side_effect=OperationalError("away")))
            assert [await next_text(texts) for _ in range(3)] == [outputs.KEEP_ALIVE] * 3
        await self.put(session, 2)
        while (text := await next_text(texts)) == outputs.KEEP_ALIVE:
            pass
        assert "data: 2" in text
        await texts.aclose()

    async def test_are_no_reason_to_wait_for_an_end_that_another_process_wrote(self, session):
        await self.put(session, 1)
        await sync_to_async(Session.objects.filter(pk=session.pk).update)(state=Session.State.ENDED, end_reason="idle")
        assert "event: end" in await next_text(events_after(session.pk, 1))

    async def test_a_call_that_ends_with_its_outputs_is_read_to_its_end(self, session):
        """Whatever the reader had read when it was told."""
        record = CallRecord(session.pk, None)
        texts = events_after(session.pk, 0)
        for number in range(20):
            await record.output((number,), lambda count: None)
            await asyncio.sleep(0.001 * (number % 3))
        record.ended("done", 1000, registry.Figures())
        async with asyncio.timeout(5):
            text = "".join([text async for text in texts])
        assert [int(at) for at in re.findall(rf"id: rtc-{session.pk}:(\d+)", text)] == list(range(1, 22))
        assert text.endswith(f'event: end\nid: rtc-{session.pk}:21\ndata: {{"reason": "done"}}\n\n')
        await asyncio.to_thread(lambda: submit(connections.close_all).result())
        assert recent.after(session.pk, 20) is None


async def test_the_word_end_in_an_output_ends_nothing(session):
    await Output.objects.acreate(session=session, position=1, payload=json.dumps("\nevent: end\n"))
    texts = events_after(session.pk, 0)
    await next_text(texts)
    outputs.announce(session.pk)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(texts), 0.1)


class TestArrival:
    """Of a session that somebody waits for."""

    @pytest.fixture
    def arrive(self, settings):
        settings.RTC_OUTPUTS_WAIT_S = 0.3

        async def arrive(claim=None):
            found = [session async for session in output_views._arrival(claim or Claim(), "a")]
            assert outputs.listened() == (set(), set())
            return found

        return arrive

    async def test_it_is_heard_of(self, arrive, monkeypatch, settings):
        settings.RTC_OUTPUTS_WAIT_S = 30
        waiting = asyncio.create_task(arrive())
        while not outputs.listened()[1]:
            await asyncio.sleep(0)
        worker_pk = await sync_to_async(registry.enlist)("w", "h", 1)
        pk = await sync_to_async(registry.admit)("a", "default", registry.ConcurrencyLimits(), None, CALLER, worker_pk)
        assert [session.pk for session in await asyncio.wait_for(waiting, 5)] == [pk]

    async def test_it_is_found_at_last_without_being_heard_of(self, arrive):
        waiting = asyncio.create_task(arrive())
        while not outputs.listened()[1]:
            await asyncio.sleep(0)
        session = await Session.objects.acreate(session_id="a", stream="default")
        assert (await asyncio.wait_for(waiting, 5))[-1].pk == session.pk

    async def test_nobody_waits_for_ever(self, arrive):
        assert await asyncio.wait_for(arrive(), 5) == [None]

    async def test_it_is_somebody_elses(self, arrive):
        await Session.objects.acreate(session_id="a", stream="default", owner_key="x" * 64)
        assert await arrive() == []

    async def test_those_who_wait_are_kept_awake(self, arrive, monkeypatch):
        monkeypatch.setattr(output_views, "KEEP_ALIVE_S", 0.05)
        assert 3 <= len(await arrive()) <= 7


async def test_a_reader_is_let_go_when_the_database_is_away(session, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(OutputStorage, "get_events", fail)
    texts = [text async for text in output_views._stream(Claim(), "a", session, 0, {})]
    assert texts == [output_views.OPENING]
    assert "the reader may come again" in caplog.text
    assert outputs.listened() == (set(), set())


async def test_a_reader_that_is_dropped_in_mid_stream_leaves_nothing(session):
    """A server that waits for a slow client is cancelled outside the stream, which then only goes out of scope."""

    async def read_a_little(response):
        async for text in response:
            if b"stream-open" in text:
                return

    response = StreamingHttpResponse(output_views._stream(Claim(), "a", session, 0, {}))
    await asyncio.create_task(read_a_little(response))
    assert outputs.listened() == ({session.pk}, set())
    del response
    async with asyncio.timeout(5):
        while outputs.listened() != (set(), set()) or watch._readers:
            await asyncio.sleep(0)
