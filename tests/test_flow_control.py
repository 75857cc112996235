"""A reader on Daphne is sent more once it has taken what it got. See `tests/live/test_slow_readers.py`."""

import asyncio

import pytest
from daphne.server import Server
from twisted.web.http import Request

from rtc import flow_control
from rtc.flow_control import REQUEST, expose_requests, flow_to


class Channel:
    """Of one request: knows its producer, as Twisted's does."""

    producer = transport = None

    def getPeer(self):  # noqa: N802 - Twisted's name
        return None

    getHost = getPeer  # noqa: N815 - Twisted's name

    def registerProducer(self, producer, streaming):  # noqa: N802 - Twisted's name
        assert streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self):  # noqa: N802 - Twisted's name
        self.producer = None


@pytest.fixture
def request_():
    return Request(Channel())


def scope_of(request):
    return {"type": "http", "extensions": {REQUEST: request}}


async def has_room(flow):
    try:
        async with asyncio.timeout(0.01):
            await flow.room()
    except TimeoutError:
        return False
    return True


async def test_it_waits_while_the_transport_is_full(request_):
    with flow_to(scope_of(request_)) as flow:
        assert await has_room(flow)
        request_.channel.producer.pauseProducing()
        assert not await has_room(flow)
        waiting = asyncio.create_task(flow.room())
        request_.channel.producer.resumeProducing()
        await asyncio.wait_for(waiting, 1)
    assert request_.producer is request_.channel.producer is None


async def test_a_connection_that_is_lost_holds_nobody_up(request_):
    with flow_to(scope_of(request_)) as flow:
        request_.channel.producer.pauseProducing()
        request_.channel.producer.stopProducing()
        request_.connectionLost(None)
        assert await has_room(flow)


@pytest.mark.parametrize("scope", [{}, {"type": "http"}, {"type": "http", "extensions": {}}])
async def test_elsewhere_there_is_always_room(scope):
    with flow_to(scope) as flow:
        assert await has_room(flow)


async def test_a_request_that_is_over_before_it_is_answered(request_):
    request_.connectionLost(None)
    with flow_to(scope_of(request_)) as flow:
        assert await has_room(flow)


def test_daphne_tells_an_application_whose_request_it_serves(monkeypatch):
    made = []
    monkeypatch.setattr(Server, "create_application", lambda self, protocol, scope: made.append(scope))
    expose_requests()
    expose_requests()
    protocol = object()
    Server.create_application(None, protocol, {"type": "http", "extensions": {"other": {}}})
    Server.create_application(None, protocol, {"type": "websocket"})
    assert made == [{"type": "http", "extensions": {"other": {}, REQUEST: protocol}}, {"type": "websocket"}]


def test_without_daphne_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(flow_control, "DAPHNE", "not.there")
    expose_requests()
