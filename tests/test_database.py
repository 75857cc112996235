"""The threads that do sessions' database work."""

import pytest
from django.db import connection, connections

from rtc import reading
from rtc.database import DatabaseThread
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
