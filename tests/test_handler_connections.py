"""What handlers ask the database goes over connections that end with their threads, and are replaced when they fail."""

import asyncio
import threading
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import Error, connection, connections

from rtc import ReplyOnPause, Stream, StreamHandler
from rtc.models import Session
from rtc.own_thread import OwnThread
from rtc.testing import run_call
from rtc.worker import LocalWorker
from tests.subjects import level
from tests.test_replies import ASKED_ONCE, call

pytestmark = pytest.mark.django_db(transaction=True)


class Asking(StreamHandler):
    """Asks the database in each of its callbacks, which run in threads of their own."""

    def __init__(self):
        super().__init__()
        self.asked = {}

    def copy(self):
        return self

    def ask(self, where):
        Session.objects.count()
        self.asked[where] = threading.current_thread(), connections["default"]

    def start_up(self):
        self.ask("start_up")

    def receive(self, frame):
        self.ask("receive")

    def emit(self):
        self.ask("emit")

    def shutdown(self):
        self.ask("shutdown")


def test_each_thread_of_a_handler_closes_what_it_opened():
    handler = Asking()
    assert run_call(Stream(handler), level(1000, 0.2), seconds=0.5).end_reason == "client_stop"
    assert set(handler.asked) == {"start_up", "receive", "emit", "shutdown"}
    assert len({thread for thread, _ in handler.asked.values()} - {threading.current_thread()}) == 4
    assert [wrapper.connection for _, wrapper in handler.asked.values()] == [None] * 4


class Waiting(StreamHandler):
    """Asks once, and then waits as long as the call lasts."""

    def __init__(self):
        super().__init__()
        self.wrapper = None
        self.over = threading.Event()

    def copy(self):
        return self

    def receive(self, frame):
        pass

    def emit(self):
        if self.wrapper is not None:
            self.over.wait(10)
            return None
        Session.objects.count()
        self.wrapper = connections["default"]
        return level(1000, 0.1)

    def shutdown(self):
        self.open_at_the_end = self.wrapper.connection is not None
        self.over.set()


@pytest.mark.parametrize(("max_age_s", "kept"), [(0, False), (None, True)])
def test_a_callback_that_waits_keeps_a_connection_only_if_connections_are_kept(monkeypatch, max_age_s, kept):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", max_age_s)
    handler = Waiting()
    run_call(Stream(handler), seconds=0.5)
    assert handler.open_at_the_end is kept


def test_who_asks_for_each_frame_does_not_connect_for_each():
    opened = []

    class Often(Asking):
        def emit(self):
            Session.objects.count()
            opened.append(connections["default"].connection)
            return level(1000, 0.02) if len(opened) < 100 else None

    run_call(Stream(Often()), seconds=1.5)
    assert len(opened) >= 50 and len({id(connection) for connection in opened}) <= 20


def test_so_does_that_of_a_reply():
    opened = []

    def reply(audio):
        Session.objects.count()
        opened.append(connections["default"])
        yield level(1000, 0.1)

    call(ReplyOnPause(reply), *ASKED_ONCE)
    [wrapper] = opened
    assert wrapper is not connection
    give_up_at = time.monotonic() + 5
    while wrapper.connection is not None and time.monotonic() < give_up_at:
        time.sleep(0.01)  # the thread is about to end
    assert wrapper.connection is None


def cut_off():
    """The connection goes, as when its server was started anew, and Django does not know."""
    connection.ensure_connection()
    connection.connection.close()
    return connections["default"]


def count():
    return Session.objects.count()


def failing(job):
    try:
        job()
    except Error:
        return True
    return False


def test_a_connection_that_failed_is_replaced_between_callbacks(monkeypatch):
    monkeypatch.setattr("rtc.database.AT_ONCE", 0)
    monkeypatch.setattr("rtc.database.TIDY_S", 0.05)
    thread = OwnThread("test")
    thread.submit(cut_off).result(5)
    assert thread.submit(failing, count).result(5)
    time.sleep(0.1)
    thread.submit(time.time).result(5)
    assert thread.submit(count).result(5) == 0
    thread.shutdown()


async def test_so_is_that_of_async_handlers_at_each_heartbeat(settings):
    settings.RTC_HEARTBEAT_S = settings.RTC_LEASE_S = 0.05
    worker = LocalWorker()
    await worker.row()
    try:
        await sync_to_async(cut_off)()
        assert await sync_to_async(failing)(count)
        async with asyncio.timeout(5):
            while await sync_to_async(failing)(count):
                await asyncio.sleep(0.02)
    finally:
        await sync_to_async(connections.close_all)()
        await worker.stop()
