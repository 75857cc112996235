"""The threads that do sessions' database work."""

import asyncio
import threading

import pytest
from django.db import OperationalError, connection, connections

from rtc import database, reading
from rtc.database import DatabaseThread, look_up
from rtc.models import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def remembered() -> int:
    return len(connection.queries_log)


def test_a_thread_without_requests_does_not_remember_its_queries(settings):
    settings.DEBUG = True
    thread = DatabaseThread("test")
    for _ in range(20):
        thread.submit(Worker.objects.count).result(10)
    assert thread.submit(remembered).result(10) == 0
    thread.submit(connections.close_all).result(10)


async def test_tidying_forgets_what_the_reading_thread_asked(settings):
    settings.DEBUG = True
    for _ in range(20):
        await reading.read(Worker.objects.count)
    assert await reading.read(remembered) >= 20
    reading.tidy()
    assert await reading.read(remembered) == 0
    await reading.read(connections.close_all)


def cut_off():
    """The connection goes, as when its server was started anew, and Django does not know."""
    connection.ensure_connection()
    connection.connection.close()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's are not cut off: see make test-postgres")
async def test_a_look_up_opens_another_connection_for_one_that_was_cut_off():
    await look_up(cut_off)
    assert await look_up(Worker.objects.count) == 0
    await look_up(connections.close_all)


async def test_a_look_up_that_is_not_answered_is_given_up_and_holds_up_no_other(monkeypatch):
    answer = threading.Event()
    for count in (1, 3):
        with monkeypatch.context() as impatient:
            impatient.setattr(database, "LOOK_UP_S", 0.2)
            asking = [asyncio.create_task(look_up(answer.wait)) for _ in range(count)]
            for asked in asking:
                with pytest.raises(OperationalError, match="not answered for 0.2 s"):
                    await asked
        assert await look_up(Worker.objects.count) == 0
    answer.set()
    await look_up(connections.close_all)


async def test_who_gives_up_waiting_behind_a_slow_look_up_does_not_end_it():
    thread = DatabaseThread("test")
    first, second = threading.Event(), threading.Event()
    worked = []

    def work(until):
        worked.append(threading.current_thread())
        return until.wait(30)

    asking = [asyncio.create_task(thread.within(3.0, work, until)) for until in (first, second, second)]
    await asyncio.sleep(1.0)
    first.set()
    assert await asking[0]
    for asked in asking[1:]:  # the second has worked for less than that when its time is over
        with pytest.raises(OperationalError):
            await asked
    second.set()
    assert await thread.within(30.0, work, first)
    assert len(worked) == 3 and len(set(worked)) == 1


async def test_a_look_up_that_fails_for_another_reason_is_not_done_again():
    tries = []

    def fail():
        tries.append(connection.is_usable() if connection.connection else False)
        raise OperationalError("locked")

    assert await look_up(Worker.objects.count) == 0
    with pytest.raises(OperationalError, match="locked"):
        await look_up(fail)
    assert tries == [True]
    with pytest.raises(OperationalError, match="locked"):
        await look_up(fail)  # with a new connection, the old one was not trusted any more
    assert tries == [True, False]
