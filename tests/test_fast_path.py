"""Frames of audio that skip uvicorn's queue, on its own protocol class. See also `tests/live`."""

import asyncio
import json
from itertools import pairwise

import pytest
from channels.routing import URLRouter
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from rtc.core.messages import Media, serialize
from rtc.fast_path import BINARY, TEXT, Inlet, outlet
from rtc.routing import websocket_urlpatterns
from tests.callers import MULAW_24K, SILENCE
from tests.fuzz.frames import BINARY as OPCODE_BINARY
from tests.fuzz.frames import CONTINUATION as OPCODE_CONTINUATION
from tests.fuzz.frames import PING as OPCODE_PING
from tests.fuzz.frames import TEXT as OPCODE_TEXT
from tests.fuzz.frames import frame

AUDIO, MORE_AUDIO = ("audio" + digit * 200 for digit in "12")
THIRD, FOURTH = ("audio" + digit * 200 for digit in "34")


class Transport(asyncio.Transport):
    """A connection to nobody."""

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


class Wire:
    """A client on a socket of uvicorn's, which serves `application`."""

    def __init__(self, application, *, compressed=False):
        config = Config(application, ws_per_message_deflate=compressed, ws_ping_interval=None)
        config.load()
        self.transport = Transport()
        self.server = WebSocketsSansIOProtocol(config, ServerState(), {})
        self.server.connection_made(self.transport)
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
        self.server.data_received(b"".join(self.client.data_to_send()))

    def events(self):
        written, self.transport.written = self.transport.written, []
        self.client.receive_data(b"".join(written))
        return self.client.events_received()

    def messages(self):
        return [event.data.decode() for event in self.events() if event.opcode is Opcode.TEXT]


class Application:
    """Takes what begins with "audio" where it is read. `heard`: what came, and which way."""

    def __init__(self, *, behind_middleware=False, dealing_s=0.01):
        self.heard = []
        self._dealing_s = dealing_s
        self._behind_middleware = behind_middleware

    def take(self, frame):
        is_audio = frame.startswith("audio" if isinstance(frame, str) else b"audio")
        if is_audio:
            self.heard.append(("taken", frame))
        return is_audio

    async def __call__(self, scope, receive, send):
        async def seen_by_middleware():
            return await receive()

        await receive()
        await send({"type": "websocket.accept"})
        inlet = Inlet()
        inlet.install(seen_by_middleware if self._behind_middleware else receive)
        self.outlet = outlet(send)
        while True:
            inlet.open(self.take)
            message = await receive()
            inlet.shut()
            if message["type"] == "websocket.disconnect":
                break
            self.heard.append(("received", message.get("text", message.get("bytes"))))
            await asyncio.sleep(self._dealing_s)
        inlet.close()


async def served(**options):
    application = Application(**options)
    return application, await Wire(application).open()


async def test_audio_is_taken_in_the_callback_that_read_it():
    application, wire = await served()
    await asyncio.sleep(0)
    wire.send(AUDIO, MORE_AUDIO)
    assert application.heard == [("taken", AUDIO), ("taken", MORE_AUDIO)]
    assert wire.transport.reading, "nothing waits"


async def test_binary_audio_is_taken_like_text():
    application, wire = await served()
    await asyncio.sleep(0)
    wire.server.data_received(frame(OPCODE_BINARY, AUDIO.encode()) + frame(OPCODE_TEXT, MORE_AUDIO.encode()))
    assert application.heard == [("taken", AUDIO.encode()), ("taken", MORE_AUDIO)]


async def test_audio_overtakes_nothing():
    application, wire = await served()
    await asyncio.sleep(0)
    wire.send(AUDIO, "stop", MORE_AUDIO)
    assert application.heard == [("taken", AUDIO)]
    await asyncio.sleep(0.005)
    wire.send(THIRD)  # while "stop" is being dealt with
    await asyncio.sleep(0.05)
    wire.send(FOURTH)
    assert application.heard == [
        ("taken", AUDIO),
        ("received", "stop"),
        ("received", MORE_AUDIO),
        ("received", THIRD),
        ("taken", FOURTH),
    ]


async def test_audio_does_not_overtake_what_the_application_has_not_woken_up_for():
    application, wire = await served()
    await asyncio.sleep(0)
    wire.send("stop")
    wire.send(AUDIO)
    await asyncio.sleep(0.05)
    assert application.heard == [("received", "stop"), ("received", AUDIO)]


async def test_a_message_within_another_is_an_error_as_ever():
    application, wire = await served()
    await asyncio.sleep(0)
    wire.server.data_received(frame(OPCODE_TEXT, b"audio", final=False))
    wire.server.data_received(frame(OPCODE_TEXT, AUDIO.encode()))
    await asyncio.sleep(0.05)
    wire.events()
    assert (application.heard, wire.client.close_rcvd.code) == ([], 1002)


async def test_nothing_is_taken_behind_a_close():
    application, wire = await served()
    await asyncio.sleep(0)
    await wire.server.send({"type": "websocket.close", "code": 4000})
    wire.server.queue.get_nowait()  # the end that uvicorn tells the application of
    wire.send(AUDIO)
    assert application.heard == []


@pytest.mark.parametrize("cut", [1, 2, 4, 5, 8, 9, 100, 212, 213])
async def test_what_comes_in_pieces_is_not_taken_for_a_frame(cut):
    """The payload looks like a frame of audio of its own."""
    application, wire = await served(dealing_s=0)
    await asyncio.sleep(0)
    inner = frame(OPCODE_TEXT, AUDIO.encode())
    wire.server.data_received(frame(OPCODE_BINARY, inner)[: -len(inner)])
    wire.server.data_received(inner)
    await asyncio.sleep(0.01)
    assert application.heard == [("received", inner)]
    outer = frame(OPCODE_TEXT, AUDIO.encode())
    wire.server.data_received(outer[:cut])
    await asyncio.sleep(0.01)
    wire.server.data_received(outer[cut:])
    await asyncio.sleep(0.01)
    assert application.heard[1:] == [("received" if cut < len(outer) else "taken", AUDIO)]


MESSAGES = st.lists(
    st.one_of(
        st.sampled_from([AUDIO, MORE_AUDIO, "audio", "stop", "a" * 0x10000]).map(
            lambda text: (frame(OPCODE_TEXT, text.encode()), text)
        ),
        st.just((frame(OPCODE_BINARY, AUDIO.encode()), AUDIO.encode())),
        st.just((frame(OPCODE_TEXT, b"audio", final=False) + frame(OPCODE_CONTINUATION, b" 5"), "audio 5")),
        st.just((frame(OPCODE_PING, b"audio"), None)),
    ),
    max_size=12,
)


@examples(max_examples=100, deadline=None)
@given(MESSAGES, st.lists(st.integers(0, 3000), max_size=12), st.sets(st.integers(0, 12)))
def test_every_message_is_heard_once_and_in_order_however_it_comes(messages, cuts, pauses):
    asyncio.run(hear(messages, cuts, pauses))


async def hear(messages, cuts, pauses):
    application, wire = await served(dealing_s=0)
    data = b"".join(encoded for encoded, _ in messages)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for number, (begin, end) in enumerate(pairwise(edges)):
        wire.server.data_received(data[begin:end])
        if number in pauses:
            await asyncio.sleep(0)
    while wire.server.queue.qsize():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [message for _, message in application.heard] == [heard for _, heard in messages if heard is not None]
    wire.server.queue.put_nowait({"type": "websocket.disconnect"})


async def test_a_middleware_sees_every_message():
    application, wire = await served(behind_middleware=True)
    await asyncio.sleep(0)
    wire.send(AUDIO, MORE_AUDIO)
    await asyncio.sleep(0.05)
    assert application.heard == [("received", AUDIO), ("received", MORE_AUDIO)]


async def test_messages_in_parts_short_ones_and_broken_text_go_the_usual_way():
    application, wire = await served()
    await asyncio.sleep(0)
    wire.client.send_text(b"audio ", fin=False)
    wire.client.send_continuation(b"in parts", fin=True)
    wire.client.send_binary(b"audio")
    wire.send()
    await asyncio.sleep(0.05)
    assert application.heard == [("received", "audio in parts"), ("received", b"audio")]
    wire.client.send_text(b"\xff")
    wire.send()
    wire.events()
    assert wire.client.close_rcvd.code == 1007


async def test_the_server_is_left_as_it_was():
    application, wire = await served()
    await asyncio.sleep(0)
    assert "receive_data" in vars(wire.server.conn)
    wire.client.send_close()
    wire.send()
    await asyncio.sleep(0.05)
    assert "receive_data" not in vars(wire.server.conn)


@pytest.mark.parametrize("size", [126, 480, 0xFFFF])
async def test_what_is_written_reads_as_the_library_reads_its_own(size):
    application, wire = await served()
    assert application.outlet.write(TEXT, b"a" * size)
    assert application.outlet.write(BINARY, b"\xff" * size)
    text, binary = wire.events()
    assert (text.opcode, text.fin, text.data) == (Opcode.TEXT, True, b"a" * size)
    assert (binary.opcode, binary.fin, binary.data) == (Opcode.BINARY, True, b"\xff" * size)


@pytest.mark.parametrize("size", [0, 125, 0x10000])
async def test_what_is_of_another_size_is_left_to_the_server(size):
    application, wire = await served()
    assert not application.outlet.write(TEXT, b"a" * size)
    assert not wire.transport.written


async def test_nothing_is_written_while_the_client_does_not_read():
    application, wire = await served()
    wire.server.pause_writing()
    assert not application.outlet.write(TEXT, b"a" * 480)
    wire.server.resume_writing()
    assert application.outlet.write(TEXT, b"a" * 480)


async def test_nothing_is_written_behind_a_close():
    application, wire = await served()
    await wire.server.send({"type": "websocket.close", "code": 4000})
    wire.transport.written = []
    assert not application.outlet.write(TEXT, b"a" * 480)
    assert not wire.transport.written


async def test_nothing_is_written_on_a_lost_connection():
    application, wire = await served()
    wire.server.connections.add(wire.server)
    wire.server.connection_lost(ConnectionResetError())
    assert not application.outlet.write(TEXT, b"a" * 480)


async def test_what_is_compressed_is_left_to_the_server():
    application = Application()
    await Wire(application, compressed=True).open()
    assert application.outlet is None


def test_a_server_that_is_not_known_is_left_alone():
    async def receive():
        """As any server's."""

    inlet = Inlet()
    inlet.install(receive)
    inlet.close()
    assert outlet(receive) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("framing", ["json", "binary"])
async def test_an_echo_is_written_in_the_callback_that_read_its_audio(settings, framing):
    settings.RTC_STREAMS = {"default": "tests.test_consumers.echo"}
    wire = await Wire(URLRouter(websocket_urlpatterns)).open()
    wire.send(json.dumps({"event": "start", "websocket_id": "a", "media_format": MULAW_24K | {"framing": framing}}))
    async with asyncio.timeout(5):
        while not (messages := wire.messages()):
            await asyncio.sleep(0.001)
    assert json.loads(messages[0])["event"] == "started"
    await asyncio.sleep(0.1)

    echoed = []
    audio = SILENCE * 480 if framing == "binary" else serialize(Media(SILENCE * 480)).encode()
    sent = frame(OPCODE_BINARY if framing == "binary" else OPCODE_TEXT, audio)

    def say():
        wire.server.data_received(sent)
        echoed.extend(event.data for event in wire.events())

    asyncio.get_running_loop().call_soon(say)
    await asyncio.sleep(0.1)
    assert echoed == [audio]

    wire.client.send_close()
    wire.send()
    await asyncio.sleep(0.2)
