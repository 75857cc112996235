"""What is sent on Daphne's sockets leaves at once, and who does not read it is cut off."""

from functools import partial

import pytest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.abstract import FileDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from rtc.consumers import SocketConsumer
from rtc.flushing import flusher, writer


class Reactor:
    """Knows who waits to write."""

    def __init__(self):
        self.writers = set()
        self.added = 0

    def addWriter(self, writer):  # noqa: N802 - Twisted's name
        self.writers.add(writer)
        self.added += 1

    def removeWriter(self, writer):  # noqa: N802 - Twisted's name
        self.writers.discard(writer)

    def removeReader(self, reader):  # noqa: N802 - Twisted's name
        pass


class Transport(FileDescriptor):
    """A connection that takes `room` bytes in all; one without any is lost."""

    connected = True

    def __init__(self, room):
        super().__init__(Reactor())
        self.room = room
        self.taken = b""
        self.writes = 0

    aborted = 0

    def abortConnection(self):  # noqa: N802 - Twisted's name
        self.aborted += 1

    def writeSomeData(self, data):  # noqa: N802 - Twisted's name
        self.writes += 1
        if self.room is None:
            return CONNECTION_LOST
        taken = data[: self.room - len(self.taken)]
        self.taken += taken
        return len(taken)


def send_on(transport):
    """A `send` as Daphne makes it."""
    protocol = WebSocketProtocol()
    protocol.transport = transport
    return partial(lambda protocol, message: None, protocol)


def sent(transport, *frames):
    flush = flusher(send_on(transport))
    for frame in frames:
        transport.write(frame)
        flush()
    return transport


def test_what_was_sent_has_left_in_order():
    transport = sent(Transport(room=100), b"one", b"two")
    assert transport.taken == b"onetwo"
    assert not transport.reactor.writers


def test_what_there_is_no_room_for_is_left_to_the_reactor():
    transport = sent(Transport(room=4), b"one", b"two", b"three")
    assert transport.taken == b"onet"
    assert transport.writes == 2, "it is asked again only by the reactor"
    assert transport.reactor.writers == {transport}
    transport.room = 100
    assert transport.doWrite() is None
    assert transport.taken == b"onetwothree"
    assert not transport.reactor.writers


def test_how_much_is_left_is_told():
    transport = Transport(room=4)
    flush = flusher(send_on(transport))
    left = []
    for frame in (b"one", b"two", b"three"):
        transport.write(frame)
        left.append(flush())
    assert left == [0, 2, 7]
    transport.room = 6
    transport.doWrite()
    assert flush() == 5


def test_answers_of_daphnes_own_count_as_well():
    transport = Transport(room=0)
    consumer = SocketConsumer()
    consumer._send_frame = send_on(transport)
    consumer._max_unsent_bytes = 5
    transport.write(b"pongs")
    consumer._look_at_unsent()
    assert not transport.aborted
    transport.write(b"pongs")
    consumer._look_at_unsent()
    consumer._look_at_unsent()
    assert transport.aborted == 1


def test_that_a_connection_is_lost_is_left_to_the_reactor():
    transport = sent(Transport(room=None), b"one")
    assert transport.reactor.writers == {transport}
    assert transport.doWrite() is CONNECTION_LOST


def test_that_a_connection_is_to_end_is_left_to_the_reactor():
    transport = Transport(room=100)
    flush = flusher(send_on(transport))
    transport.write(b"last words")
    transport.loseConnection()
    flush()
    assert not transport.writes
    assert transport.reactor.writers == {transport}
    transport.connected = False
    flush()
    assert not transport.writes


@pytest.mark.parametrize(
    "send",
    [lambda message: None, partial(lambda message: None), partial(lambda other, message: None, "other")],
)
def test_other_servers_are_left_alone(send):
    assert flusher(send) is None


def under_tls(transport):
    """What a WebSocket on Daphne's own TLS has for a transport: it passes on what is asked of it."""
    tls = ProtocolWrapper(WrappingFactory(None), None)
    tls.transport, tls.connected = transport, 1
    return tls


def test_how_much_is_left_is_told_of_a_transport_that_encrypts_too():
    transport = Transport(room=100)
    flush = flusher(send_on(under_tls(transport)))
    transport.write(b"encrypted")
    assert flush() == 9
    assert not transport.writes


def test_that_tls_is_to_end_is_left_to_the_reactor():
    transport = Transport(room=100)
    flush = flusher(send_on(under_tls(transport)))
    transport.loseConnection()  # as it does itself when its client says that nothing more will come
    flush()
    assert transport.reactor.writers == {transport}


def written(transport, *frames):
    write, flush = writer(transport), flusher(send_on(transport))
    for frame in frames:
        write(frame)
        flush()
    return transport


def test_what_is_written_where_nothing_waits_never_gets_to_the_reactor():
    transport = written(Transport(room=100), b"one", b"two")
    assert transport.taken == b"onetwo"
    assert transport.writes == 2
    assert not transport.reactor.added


@pytest.mark.parametrize("room", range(len(b"onetwothree")))
def test_what_is_written_without_room_is_left_to_the_reactor_in_order(room):
    transport = written(Transport(room=room), b"one", b"two", b"three")
    assert transport.taken == b"onetwothree"[:room]
    assert transport.reactor.writers == {transport}
    transport.room = 100
    assert transport.doWrite() is None
    assert transport.taken == b"onetwothree"
    assert not transport.reactor.writers


def test_what_is_written_goes_behind_what_waits():
    transport = Transport(room=100)
    transport.write(b"a pong")
    writer(transport)(b"audio")
    assert not transport.writes
    transport.doWrite()
    assert transport.taken == b"a pongaudio"


def test_that_a_connection_is_lost_in_writing_is_left_to_the_reactor():
    transport = written(Transport(room=None), b"one")
    assert transport.reactor.writers == {transport}
    assert transport.doWrite() is CONNECTION_LOST


def test_what_is_written_to_a_connection_that_is_to_end_is_left_to_the_reactor():
    transport = Transport(room=100)
    transport.loseConnection()
    writer(transport)(b"too late")
    assert not transport.writes
    transport.connected = False
    writer(transport)(b"later still")
    assert not transport.writes


def test_what_is_to_be_encrypted_is_written_by_tls():
    transport = Transport(room=100)
    tls = under_tls(transport)
    writer(tls)(b"plain")
    assert transport._tempDataBuffer == [b"plain"], "TLS passes it on"
    assert not transport.writes
