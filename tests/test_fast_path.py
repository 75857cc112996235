"""Frames of audio that skip a server's queue and its WebSocket library, on its own classes. See also `tests/live`."""

import asyncio
import json
import time
from itertools import pairwise

import pytest
from channels.routing import URLRouter
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from websockets.frames import Opcode, apply_mask
from websockets.server import ServerProtocol

from rtc.core.messages import Media, serialize
from rtc.fast_path import Inlet, outlet
from rtc.fast_uvicorn import USED_OF_WEBSOCKETS
from rtc.inflow import Inflow
from rtc.plain_frames import BINARY, TEXT, plain_frame, unmasked
from rtc.routing import websocket_urlpatterns
from tests.callers import MULAW_24K, SILENCE
from tests.fuzz.frames import BINARY as OPCODE_BINARY
from tests.fuzz.frames import CONTINUATION as OPCODE_CONTINUATION
from tests.fuzz.frames import PING as OPCODE_PING
from tests.fuzz.frames import TEXT as OPCODE_TEXT
from tests.fuzz.frames import frame
from tests.wires import WIRES, DaphneWire, UvicornWire

on_uvicorn = pytest.mark.skipif(
    not all(hasattr(ServerProtocol(), name) for name in USED_OF_WEBSOCKETS),
    reason="this release of websockets lacks what the fast path uses, so there is none",
)
KINDS = [pytest.param("uvicorn", marks=on_uvicorn), "daphne"]

AUDIO, MORE_AUDIO = ("audio" + digit * 200 for digit in "12")
THIRD, FOURTH = ("audio" + digit * 200 for digit in "34")


class Application:
    """Takes what begins with "audio" where it is read. `heard`: what came, and which way. `written`: how many messages
    were said to have been.
    """

    def __init__(self, *, behind_middleware="", dealing_s=0.01):
        self.heard = []
        self.written = 0
        self._dealing_s = dealing_s
        self._behind_middleware = behind_middleware

    def take(self, frame):
        is_audio = frame.startswith("audio" if isinstance(frame, str) else b"audio")
        if is_audio:
            self.heard.append(("taken", frame))
        return is_audio

    def count(self):
        self.written += 1

    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        inlet, inflow = Inlet(), Inflow(send, 1000, lambda: None)
        if self._behind_middleware:
            receive = seen_by(self._behind_middleware, receive)
        inlet.install(receive, inflow.throttle)
        self.outlet = outlet(send, self.count)
        while True:
            inlet.open(self.take)
            message = await receive()
            inlet.shut()
            if message["type"] == "websocket.disconnect":
                break
            self.heard.append(("received", message.get("text", message.get("bytes"))))
            await asyncio.sleep(self._dealing_s)
        inlet.close()


def seen_by(middleware, receive):
    """What a middleware hands on in place of `receive`: a function, or the `get` of a queue of its own."""
    if middleware == "function":

        async def seen():
            return await receive()

        return seen
    queue = asyncio.Queue()

    async def pump():
        while True:
            await queue.put(await receive())

    queue.pumping = asyncio.ensure_future(pump())
    return queue.get


@pytest.fixture(params=KINDS)
def served(request):
    async def served(**options):
        application = Application(**options)
        return application, await WIRES[request.param](application).open()

    return served


async def test_audio_is_taken_in_the_callback_that_read_it(served):
    application, wire = await served()
    await asyncio.sleep(0)
    wire.send(AUDIO, MORE_AUDIO)
    assert application.heard == [("taken", AUDIO), ("taken", MORE_AUDIO)]
    assert wire.transport.reading, "nothing waits"


async def test_binary_audio_is_taken_like_text(served):
    application, wire = await served()
    await asyncio.sleep(0)
    wire.receive(frame(OPCODE_BINARY, AUDIO.encode()) + frame(OPCODE_TEXT, MORE_AUDIO.encode()))
    assert application.heard == [("taken", AUDIO.encode()), ("taken", MORE_AUDIO)]


async def test_audio_overtakes_nothing(served):
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


async def test_audio_does_not_overtake_what_the_application_has_not_woken_up_for(served):
    application, wire = await served()
    await asyncio.sleep(0)
    wire.send("stop")
    wire.send(AUDIO)
    await asyncio.sleep(0.05)
    assert application.heard == [("received", "stop"), ("received", AUDIO)]


async def test_a_message_within_another_is_an_error_as_ever(served):
    application, wire = await served()
    await asyncio.sleep(0)
    wire.receive(frame(OPCODE_TEXT, b"audio", final=False))
    wire.receive(frame(OPCODE_TEXT, AUDIO.encode()))
    await asyncio.sleep(0.05)
    assert application.heard == []
    assert wire.failed_with(1002)


@pytest.mark.parametrize("size", [0, 5, 125])
async def test_a_length_that_takes_more_bits_than_it_needs_is_not_taken(served, size):
    application, wire = await served()
    await asyncio.sleep(0)
    wire.receive(b"\x82\xfe" + size.to_bytes(2) + bytes(4) + AUDIO.encode()[:size])
    assert application.heard == []


async def test_nothing_is_taken_behind_a_close(served):
    application, wire = await served()
    await asyncio.sleep(0)
    await wire.close(4000)
    wire.send(AUDIO)
    assert application.heard == []


@pytest.mark.parametrize("cut", [1, 2, 4, 5, 8, 9, 100, 212, 213])
async def test_what_comes_in_pieces_is_not_taken_for_a_frame(served, cut):
    """The payload looks like a frame of audio of its own."""
    application, wire = await served(dealing_s=0)
    await asyncio.sleep(0)
    inner = frame(OPCODE_TEXT, AUDIO.encode())
    wire.receive(frame(OPCODE_BINARY, inner)[: -len(inner)])
    wire.receive(inner)
    await asyncio.sleep(0.01)
    assert application.heard == [("received", inner)]
    outer = frame(OPCODE_TEXT, AUDIO.encode())
    wire.receive(outer[:cut])
    await asyncio.sleep(0.01)
    wire.receive(outer[cut:])
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
@pytest.mark.parametrize("kind", KINDS)
def test_every_message_is_heard_once_and_in_order_however_it_comes(kind, messages, cuts, pauses):
    asyncio.run(hear(kind, messages, cuts, pauses))


async def hear(kind, messages, cuts, pauses):
    wire = await WIRES[kind](application := Application(dealing_s=0)).open()
    data = b"".join(encoded for encoded, _ in messages)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for number, (begin, end) in enumerate(pairwise(edges)):
        wire.receive(data[begin:end])
        if number in pauses:
            await asyncio.sleep(0)
    while wire.queue.qsize():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [message for _, message in application.heard] == [heard for _, heard in messages if heard is not None]
    wire.queue.put_nowait({"type": "websocket.disconnect"})


@pytest.mark.parametrize("middleware", ["function", "queue"])
async def test_a_middleware_sees_every_message(served, middleware):
    application, wire = await served(behind_middleware=middleware)
    await asyncio.sleep(0)
    wire.send(AUDIO, MORE_AUDIO)
    await asyncio.sleep(0.05)
    assert application.heard == [("received", AUDIO), ("received", MORE_AUDIO)]


async def test_messages_in_parts_short_ones_and_broken_text_go_the_usual_way(served):
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
    assert wire.failed_with(1007)


async def test_the_server_is_left_as_it_was(served):
    application, wire = await served()
    await asyncio.sleep(0)
    assert wire.is_tapped
    wire.lose()
    await asyncio.sleep(0.05)
    assert not wire.is_tapped


@pytest.mark.parametrize("size", [126, 480, 0xFFFF])
async def test_what_is_written_reads_as_the_library_reads_its_own(served, size):
    application, wire = await served()
    assert application.outlet.write(TEXT, b"a" * size)
    assert application.outlet.write(BINARY, b"\xff" * size)
    text, binary = wire.events()
    assert (text.opcode, text.fin, text.data) == (Opcode.TEXT, True, b"a" * size)
    assert (binary.opcode, binary.fin, binary.data) == (Opcode.BINARY, True, b"\xff" * size)


@pytest.mark.parametrize("size", [0, 125, 0x10000])
async def test_what_is_of_another_size_is_left_to_the_server(served, size):
    application, wire = await served()
    assert not application.outlet.write(TEXT, b"a" * size)
    assert not wire.transport.written


async def test_nothing_is_written_behind_a_close(served):
    application, wire = await served()
    await wire.close(4000)
    wire.events()
    assert not application.outlet.write(TEXT, b"a" * 480)
    wire.flush()
    assert b"a" * 480 not in b"".join(wire.transport.written)


async def test_nothing_is_written_on_a_lost_connection(served):
    application, wire = await served()
    wire.lose()
    assert not application.outlet.write(TEXT, b"a" * 480)


@on_uvicorn
async def test_on_uvicorn_nothing_is_written_while_the_client_does_not_read():
    wire = await UvicornWire(application := Application()).open()
    wire.protocol.pause_writing()
    assert not application.outlet.write(TEXT, b"a" * 480)
    wire.protocol.resume_writing()
    assert application.outlet.write(TEXT, b"a" * 480)


@on_uvicorn
async def test_on_uvicorn_what_is_compressed_is_left_to_the_server():
    application = Application()
    await UvicornWire(application, compressed=True).open()
    assert application.outlet is None


async def test_on_daphne_nothing_is_written_ahead_of_what_autobahn_has_put_off():
    wire = await DaphneWire(application := Application()).open()
    wire.protocol.send_queue.append((b"", True))
    assert not application.outlet.write(TEXT, b"a" * 480)


@pytest.mark.parametrize(
    ("name", "value"),
    [("_perMessageCompress", object()), ("maxMessagePayloadSize", 0xFFFF), ("maxFramePayloadSize", 1000)],
)
async def test_on_daphne_what_is_compressed_or_bounded_is_left_to_the_server(monkeypatch, name, value):
    wire = DaphneWire(application := Application())
    monkeypatch.setattr(type(wire.protocol), name, value, raising=False)
    wire.protocol.__dict__.pop(name, None)
    await wire.open()
    wire.protocol.__dict__.pop(name, None)
    assert getattr(wire.protocol, name) is value
    assert (application.outlet, wire.is_tapped) == (None, False)


async def test_on_daphne_the_rest_of_a_header_is_not_taken_for_a_frame():
    """Its mask looks like the beginning of one."""
    wire = await DaphneWire(application := Application()).open()
    await asyncio.sleep(0)
    inner = frame(OPCODE_TEXT, AUDIO.encode())
    mask, masked = inner[:4], inner[4:]
    wire.receive(b"\x82\xfe" + len(masked).to_bytes(2))
    wire.receive(mask + masked)
    await asyncio.sleep(0.05)
    assert application.heard == [("received", apply_mask(masked, mask))]


async def test_on_daphne_the_rest_of_a_ping_is_not_taken_for_a_frame():
    wire = await DaphneWire(application := Application()).open()
    await asyncio.sleep(0)
    inner = frame(OPCODE_TEXT, AUDIO.encode())
    ping = frame(OPCODE_PING, inner[:100])
    wire.receive(ping[:-100])
    wire.receive(inner)
    assert application.heard == []


async def test_on_daphne_what_can_not_be_taken_is_logged(caplog):
    wire = await DaphneWire(application := Application()).open()
    await asyncio.sleep(0)
    application.heard = None
    with pytest.raises(AttributeError):
        wire.send(AUDIO)
    (record,) = caplog.records
    assert (record.message, record.exc_info[0]) == ("a frame could not be taken", AttributeError)


async def test_on_daphne_each_message_is_told_of_once_it_is_written():
    await DaphneWire(application := Application()).open()
    assert application.outlet.write(TEXT, b"a" * 480)
    assert application.written == 1
    assert not application.outlet.write(TEXT, b"a")
    assert application.written == 1


async def test_on_daphne_a_client_that_answers_no_ping_but_sends_audio_is_there():
    wire = await DaphneWire(application := Application()).open()
    await asyncio.sleep(0)
    wire.protocol.autoPingTimeout = 1000
    wire.protocol.sendPing = lambda payload: None
    wire.protocol._sendAutoPing()
    assert wire.protocol.autoPingTimeoutCall is not None
    wire.send(AUDIO)
    assert wire.protocol.autoPingTimeoutCall is None
    await asyncio.sleep(0.05)
    wire.send(MORE_AUDIO)
    assert application.heard == [("received", AUDIO), ("taken", MORE_AUDIO)]


async def test_on_daphne_what_was_taken_counts_as_heard():
    wire = await DaphneWire(application := Application()).open()
    await asyncio.sleep(0)
    wire.protocol.last_ping = 0.0
    before = wire.protocol.trafficStats.incomingWebSocketFrames
    wire.send(AUDIO, MORE_AUDIO)
    assert application.heard == [("taken", AUDIO), ("taken", MORE_AUDIO)]
    assert wire.protocol.trafficStats.incomingWebSocketFrames == before + 2
    assert wire.protocol.last_ping == pytest.approx(time.time(), abs=5)


@given(st.binary(max_size=1000), st.binary(min_size=4, max_size=4))
def test_masks_are_undone(payload, mask):
    assert unmasked(payload, mask) == apply_mask(payload, mask)


def test_a_server_that_is_not_known_is_left_alone():
    async def receive():
        """As any server's."""

    inlet = Inlet()
    inlet.install(receive, None)
    inlet.close()
    assert outlet(receive, lambda: None) is None


async def calling(wire, framing):
    """A call on it; gives what audio it may send, as it is read from the socket, and what comes back."""
    await wire.open()
    wire.send(json.dumps({"event": "start", "websocket_id": "a", "media_format": MULAW_24K | {"framing": framing}}))
    async with asyncio.timeout(5):
        while not (messages := wire.messages()):
            await asyncio.sleep(0.001)
    assert json.loads(messages[0])["event"] == "started"
    await asyncio.sleep(0.1)
    if framing == "binary":
        return frame(OPCODE_BINARY, SILENCE * 480), SILENCE * 480
    text = serialize(Media(SILENCE * 480))
    return frame(OPCODE_TEXT, text.encode()), text.encode()


async def hang_up(wire):
    wire.client.send_close()
    wire.send()
    wire.lose()
    await asyncio.sleep(0.2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("framing", ["json", "binary"])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_echo_is_written_in_the_callback_that_read_its_audio(settings, kind, framing):
    settings.RTC_STREAMS = {"default": "tests.test_consumers.echo"}
    wire = WIRES[kind](URLRouter(websocket_urlpatterns))
    audio, echo = await calling(wire, framing)
    echoed = []

    def say():
        wire.receive(audio)
        echoed.append(b"".join(wire.transport.written))
        echoed.extend(event.data for event in wire.events())

    asyncio.get_running_loop().call_soon(say)
    await asyncio.sleep(0.1)
    assert echoed == [plain_frame(BINARY if framing == "binary" else TEXT, echo), echo]
    await hang_up(wire)


@pytest.mark.django_db(transaction=True)
async def test_on_daphne_who_speaks_and_does_not_read_is_cut_off(settings):
    settings.RTC_STREAMS = {"default": "tests.test_consumers.echo"}
    settings.RTC_MAX_UNSENT_BYTES = 2000
    wire = DaphneWire(URLRouter(websocket_urlpatterns))
    audio, _ = await calling(wire, "binary")
    wire.transport.room = 1000
    spoken = 0
    while not wire.transport.aborted:
        wire.receive(audio)
        spoken += 1
        await asyncio.sleep(0.02)
        assert spoken < 20
    assert spoken * len(audio) > 3000
    await hang_up(wire)
