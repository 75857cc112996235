"""A socket is read no faster than a client may send. See `tests/live/test_floods.py`."""

import asyncio
from functools import partial

from daphne.ws_protocol import WebSocketProtocol

from rtc.inflow import Inflow
from tests.virtual_time import elapse, virtual_time


class Transport:
    reading = True

    def pauseProducing(self):  # noqa: N802 - Twisted's name
        self.reading = False

    def resumeProducing(self):  # noqa: N802 - Twisted's name
        self.reading = True


def send_on(transport):
    """A `send` as Daphne makes it."""
    protocol = WebSocketProtocol()
    protocol.transport = transport
    return partial(lambda protocol, message: None, protocol)


async def take(inflow, count):
    for _ in range(count):
        if inflow.is_spent():
            await inflow.rest()


@virtual_time
async def test_what_is_too_much_for_a_second_waits_for_the_next():
    transport = Transport()
    inflow = Inflow(send_on(transport), 10)
    await take(inflow, 9)
    taking = asyncio.ensure_future(take(inflow, 1))
    await elapse(0.9)
    assert not transport.reading
    assert not taking.done()
    await elapse(0.2)
    assert transport.reading
    assert taking.done()


@virtual_time
async def test_who_sends_no_more_than_that_never_waits():
    loop = asyncio.get_running_loop()
    inflow = Inflow(lambda message: None, 10)
    for _ in range(100):
        await elapse(0.15)
        began = loop.time()
        await take(inflow, 1)
        assert loop.time() == began


@virtual_time
async def test_a_socket_that_is_left_in_the_pause_is_read_on():
    transport = Transport()
    taking = asyncio.ensure_future(take(Inflow(send_on(transport), 1), 1))
    await elapse(0.1)
    taking.cancel()
    await elapse(0.1)
    assert transport.reading
