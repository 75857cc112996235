"""Whatever way a session ends, it is told once that it started, and once that it ended."""

import asyncio

import pytest

from rtc import CloseStream, Stream, registry
from rtc.admission import Admission
from rtc.database import perform
from rtc.models import Session
from rtc.signals import handler_failed
from rtc.testing import CallClient
from rtc.worker import LocalWorker
from tests.registering import CALLER
from tests.subjects import Scripted
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)


async def nothing(client):
    pass


async def disconnects_twice(client):
    await asyncio.gather(client.leave(), client.leave())


async def stops_and_vanishes(client):
    await asyncio.gather(client.stop(), client.leave(), client.call.expel("shutting_down"))


async def sends_junk(client):
    for _ in range(21):
        await client.call.receive("{", None)


async def is_hung_up(client):
    client.call.hang_up("enough")
    client.call.hang_up("enough")


WAYS = {
    "stop": ({}, [], CallClient.stop, "client_stop"),
    "disconnect": ({}, [], disconnects_twice, "client_gone"),
    "everything at once": ({}, [], stops_and_vanishes, "client_stop"),
    "junk": ({}, [], sends_junk, "too_many_errors"),
    "hang-up": ({}, [], is_hung_up, "hung_up"),
    "shutdown": ({}, [], lambda client: client.call.expel("shutting_down"), "shutting_down"),
    "the handler closes": ({}, [CloseStream()], nothing, "handler_closed"),
    "the handler fails": ({}, ["no emission"], nothing, "handler_failed"),
    "time limit": ({"time_limit": 0.05}, [], nothing, "time_limit"),
    "idle": ({"idle_timeout": 0.5}, [], nothing, "idle"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_session_starts_and_ends_once(way, told):
    settings, emissions, act, reason = WAYS[way]
    worker = LocalWorker()
    stream = Stream(Scripted(*emissions), **settings)
    client = CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)
    await client.start("a")
    await until(lambda: told)
    await act(client)
    await until(lambda: len(told) == 2)
    await client.leave()
    worker._heart.cancel()
    await perform(registry.reap)  # whatever is still to be written comes before it
    assert told == [("started", "a", "starting"), ("ended", "a", reason)]
    assert (await Session.objects.aget()).end_reason == reason
    assert worker.calls == {}


async def test_leaving_while_being_admitted(told):
    worker = LocalWorker()
    stream = Stream(Scripted())
    client = CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)
    await client.start("a")
    await client.leave()
    worker._heart.cancel()
    assert told == []  # it had left before its turn came: there is nothing to record
    assert worker.calls == {}


async def test_a_failing_handler_is_told_with_its_error():
    class Failing(Scripted):
        async def emit(self):
            raise ValueError("no")

    heard = []

    def listen(session_pk, error, **kwargs):
        heard.append((session_pk, str(error), repr(error.__cause__)))

    handler_failed.connect(listen)
    worker = LocalWorker()
    stream = Stream(Failing())
    client = CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)
    await client.start("a")
    await until(lambda: heard)
    handler_failed.disconnect(listen)
    await client.leave()
    worker._heart.cancel()
    pk = await perform(lambda: Session.objects.get(session_id="a").pk)
    assert heard == [(pk, "the handler failed in emit(): ValueError: no", "ValueError('no')")]
