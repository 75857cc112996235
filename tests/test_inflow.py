"""A socket is read no faster than a client may send. See `tests/live/test_floods.py`."""

import asyncio
from functools import partial

import pytest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from rtc.inflow import READ_BYTES, Inflow
from tests.fuzz.frames import BINARY, CONTINUATION, PING, PONG, frame
from tests.virtual_time import elapse, virtual_time

LIMIT = 10


class Transport:
    """A connection that nobody reads from the other side of."""

    reading = True

    def pauseProducing(self):  # noqa: N802 - Twisted's name
        self.reading = False

    def resumeProducing(self):  # noqa: N802 - Twisted's name
        self.reading = True

    def write(self, data):
        pass


class Protocol(WebSocketProtocol):
    """Daphne's, with its handshake behind it."""

    def __init__(self, transport=None):
        super().__init__()
        self.factory = WebSocketFactory(None)
        self.transport = transport or Transport()
        self._connectionMade()
        self.closeHandshakeTimeout = 0
        self.state = self.STATE_OPEN
        self.inside_message = False
        self.current_frame = None
        self.websocket_version = 13

    def onMessage(self, payload, isBinary):  # noqa: N802, N803 - autobahn's names
        pass


def inflow_of(protocol, answered=lambda: None):
    """Args: protocol: gets the `send` that Daphne makes of it."""
    return Inflow(partial(lambda protocol, message: None, protocol), LIMIT, answered)


async def take(inflow, count):
    for _ in range(count):
        if inflow.is_spent():
            await inflow.rest()


@virtual_time
async def test_what_is_too_much_for_a_second_waits_for_the_next():
    loop = asyncio.get_running_loop()
    inflow = Inflow(lambda message: None, LIMIT, lambda: None)
    await take(inflow, LIMIT - 1)
    assert loop.time() == 0.0
    await take(inflow, LIMIT)
    assert loop.time() == pytest.approx(1.0)


@virtual_time
async def test_who_sends_no_more_than_that_never_waits():
    loop = asyncio.get_running_loop()
    inflow = Inflow(lambda message: None, LIMIT, lambda: None)
    for _ in range(100):
        await elapse(0.15)
        began = loop.time()
        await take(inflow, 1)
        assert loop.time() == began


FRAMES = {
    "message": frame(BINARY, b"a"),
    "ping": frame(PING, b"a"),
    "pong": frame(PONG, b""),
    "part": frame(CONTINUATION, b"", final=False),
}


@pytest.mark.parametrize("kind", FRAMES)
@virtual_time
async def test_on_daphne_no_more_is_read_until_the_second_is_over(kind):
    protocol = Protocol()
    inflow = inflow_of(protocol)
    assert protocol.transport.bufferSize == READ_BYTES
    if kind == "part":
        protocol.dataReceived(frame(BINARY, b"a", final=False))
    for _ in range(3):
        protocol.dataReceived(FRAMES[kind] * (LIMIT - 2))
        assert protocol.transport.reading
        protocol.dataReceived(FRAMES[kind] * 2)
        assert not protocol.transport.reading
        await elapse(0.6)
        assert not protocol.transport.reading
        await elapse(0.5)
        assert protocol.transport.reading
    await take(inflow, 100)
    assert asyncio.get_running_loop().time() == pytest.approx(3.3, abs=0.01), "they were counted as they were read"


@virtual_time
async def test_on_daphne_who_sends_no_more_than_that_is_read():
    protocol = Protocol()
    answers = []
    inflow_of(protocol, lambda: answers.append(1))
    for _ in range(100):
        await elapse(0.15)
        protocol.dataReceived(FRAMES["message"])
        assert protocol.transport.reading
    assert not answers
    protocol.dataReceived(FRAMES["ping"])
    assert answers == [1]


@virtual_time
async def test_on_daphne_what_comes_behind_a_close_frame_is_counted_too():
    protocol = Protocol()
    inflow_of(protocol)
    protocol.dataReceived(FRAMES["message"])
    for _ in range(2):  # the second has no effect
        protocol.sendClose(1000)
    protocol.dataReceived(FRAMES["message"] * (LIMIT - 2))
    assert protocol.transport.reading
    protocol.dataReceived(FRAMES["message"])
    assert not protocol.transport.reading
    await elapse(1.1)
    assert protocol.transport.reading


@virtual_time
async def test_under_daphnes_tls_it_is_the_socket_that_is_read_in_pieces():
    socket = Transport()
    tls = ProtocolWrapper(WrappingFactory(None), None)
    tls.transport = socket
    protocol = Protocol(tls)
    inflow_of(protocol)
    assert socket.bufferSize == READ_BYTES
    protocol.dataReceived(FRAMES["message"] * LIMIT)
    assert not socket.reading
    await elapse(1.1)
    assert socket.reading
