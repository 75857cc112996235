"""A client on a socket of a server's own classes, without a network between them."""

import asyncio

from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri


class Wire:
    """`protocol`: the server's end, on `transport`. `queue`: what it has for the application. `is_tapped`: whether what
    it reads is offered to somebody first.
    """

    def __init__(self, *, compressed=False):
        extensions = [ClientPerMessageDeflateFactory()] if compressed else None
        self.client = ClientProtocol(parse_uri("ws://127.0.0.1/websocket/offer"), extensions=extensions)

    async def open(self):
        self.client.send_request(self.client.connect())
        self.send()
        while not any(isinstance(event, Response) for event in self.events()):
            await asyncio.sleep(0.001)
        return self

    def send(self, *texts):
        """All in one piece, as they may be read from a socket."""
        for text in texts:
            self.client.send_text(text.encode())
        self.receive(b"".join(self.client.data_to_send()))

    def events(self):
        """What has come since this was last asked."""
        self.flush()
        written, self.transport.written = self.transport.written, []
        self.client.receive_data(b"".join(written))
        return self.client.events_received()

    def messages(self):
        return [event.data.decode() for event in self.events() if event.opcode is Opcode.TEXT]

    def flush(self):
        """Send what waits for its turn."""


# Uvicorn ---------------------------------------------------------------------------------------------------------


class UvicornTransport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = []
        self.reading = True

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 50000) if name in ("sockname", "peername") else default

    def write(self, data):
        self.written.append(data)

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def is_closing(self):
        return False

    def close(self):
        pass


class UvicornWire(Wire):
    def __init__(self, application, *, compressed=False):
        super().__init__(compressed=compressed)
        config = Config(application, ws_per_message_deflate=compressed, ws_ping_interval=None)
        config.load()
        self.transport = UvicornTransport()
        self.protocol = WebSocketsSansIOProtocol(config, ServerState(), {})
        self.protocol.connection_made(self.transport)

    @property
    def queue(self):
        return self.protocol.queue

    @property
    def is_tapped(self):
        return "receive_data" in vars(self.protocol.conn)

    def receive(self, data):
        self.protocol.data_received(data)

    async def close(self, code):
        await self.protocol.send({"type": "websocket.close", "code": code})
        self.queue.get_nowait()  # the end that uvicorn tells the application of

    def failed_with(self, code):
        self.events()
        return self.client.close_rcvd.code == code

    def lose(self):
        self.protocol.connections.add(self.protocol)
        self.protocol.connection_lost(ConnectionResetError())


# Daphne ----------------------------------------------------------------------------------------------------------


class Reactor:
    """Has everybody wait for ever."""

    def addReader(self, reader):  # noqa: N802 - Twisted's name
        reader.reading = True

    def removeReader(self, reader):  # noqa: N802 - Twisted's name
        reader.reading = False

    def addWriter(self, writer):  # noqa: N802 - Twisted's name
        pass

    def removeWriter(self, writer):  # noqa: N802 - Twisted's name
        pass


class DaphneTransport(FileDescriptor):
    """`room`: how many bytes more it takes."""

    connected = True
    room = 10**9

    def __init__(self):
        super().__init__(Reactor())
        self.written = []
        self.reading = True
        self.aborted = False

    def getPeer(self):  # noqa: N802 - Twisted's name
        return IPv4Address("TCP", "127.0.0.1", 50000)

    getHost = getPeer  # noqa: N815 - Twisted's name

    def writeSomeData(self, data):  # noqa: N802 - Twisted's name
        data = bytes(data[: self.room])
        self.room -= len(data)
        self.written.append(data)
        return len(data)

    def abortConnection(self):  # noqa: N802 - Twisted's name
        self.aborted = True


class DaphneWire(Wire):
    def __init__(self, application, *, compressed=False):
        super().__init__()
        assert not compressed, "Daphne never does"
        server = Server(application, endpoints=["nowhere"])
        server.connections = {}
        server.root_path = ""
        self.transport = DaphneTransport()
        self.protocol = WebSocketFactory(server).buildProtocol(self.transport.getPeer())
        self.protocol._raw_query_string = b""
        self.protocol.openHandshakeTimeout = self.protocol.closeHandshakeTimeout = 0
        self.protocol.makeConnection(self.transport)

    @property
    def queue(self):
        return self.protocol.application_queue

    @property
    def is_tapped(self):
        throttle = self.protocol.dataReceived.__self__
        return getattr(throttle.receive, "__self__", None) is not self.protocol

    def receive(self, data):
        self.protocol.dataReceived(data)

    async def close(self, code):
        self.protocol.serverClose(code)

    def failed_with(self, code):
        """It drops the connection without a close frame, so that nobody sees its code."""
        return self.protocol.failedByMe and self.transport.aborted

    def lose(self):
        self.protocol._connectionLost(None)

    def flush(self):
        self.transport.doWrite()


WIRES = {"uvicorn": UvicornWire, "daphne": DaphneWire}
