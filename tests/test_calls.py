"""A call from start to end, over a socket and a record in memory, in virtual time."""

import asyncio
import json

import pytest

from rtc import AdditionalOutputs, CloseStream, Stream, get_current_context, runner
from tests.callers import MULAW_24K, SILENCE, Client
from tests.subjects import Echo, Scripted, level, seconds_of
from tests.virtual_time import elapse, virtual_time


@virtual_time
async def test_idle_handler_does_not_spin_and_its_greeting_arrives():
    class Idle(Scripted):
        count = 0

        async def emit(self):
            self.count += 1
            return level(1000, 0.5) if self.count == 100 else None

    handler = Idle()
    client = Client(Stream(handler, idle_timeout=600))
    await client.start(media_format=MULAW_24K)
    await elapse(60)
    assert 250 < handler.count < 350
    assert seconds_of(1000, client.heard) == 0.5
    await client.stop()
    await client.until_closed()


@virtual_time
async def test_leaving_before_start(caplog):
    client = Client(Stream(Scripted()))
    await client.call.leave()
    assert (client.frames, client.close_code, client.admission.records, caplog.records) == ([], None, [], [])


@virtual_time
async def test_junk_keeps_the_session():
    client = Client(Stream(Echo()))
    await client.start(media_format=MULAW_24K)
    await client.until(lambda client: client.messages)
    for text in ("", "{", "[]", '{"event":"media"}', '{"event":"media","media":{"payload":"%"}}', '{"event":"start"}'):
        await client.call.receive(text, None)
    await client.call.receive(None, b"binary")
    await client.call.receive(None, None)
    await client.send(SILENCE * 480)
    await client.until(lambda client: client.heard)
    assert client.heard == SILENCE * 480
    assert len(client.of_type("error")) == 8
    await client.stop()
    assert await client.until_closed() == 1000


async def no_end(client):
    await elapse(30)


async def stops(client):
    await client.stop()


async def disconnects(client):
    await client.call.leave()


ENDINGS = {
    "stop": ({}, [], stops, 1000, ["client_stop"]),
    "disconnect": ({}, [], disconnects, None, []),
    "close_stream": ({}, [CloseStream()], no_end, 1000, ["handler_closed"]),
    "time_limit": ({"time_limit": 5}, [], no_end, 1000, ["time_limit"]),
    "idle": ({"idle_timeout": 5}, [], no_end, 4408, ["idle"]),
    "bad_emission": ({}, ["text"], no_end, 4500, ["handler_failed"]),
    "server": ({}, [], lambda client: client.call.expel("shutting_down"), 4503, ["shutting_down"]),
}


@pytest.mark.parametrize("ending", ENDINGS)
@virtual_time
async def test_shutdown_is_called_once_on_every_path(ending):
    settings, emissions, end, close_code, reasons = ENDINGS[ending]
    handler = Scripted(*emissions)
    client = Client(Stream(handler, **settings))
    await client.start()
    await elapse(1)
    await end(client)
    await client.call.leave()
    assert handler.calls == ["start_up", "shutdown"]
    assert (client.close_code, client.end_reasons) == (close_code, reasons)
    assert client.closes == (close_code is not None)
    record = client.record
    assert (record.ends, record.end_reason, record.close_code) == (
        1,
        reasons[0] if reasons else "client_gone",
        close_code,
    )


@virtual_time
async def test_fetch_output_is_sent_for_each_additional_output():
    client = Client(Stream(Scripted(AdditionalOutputs(1), (level(1000, 0.02), AdditionalOutputs(2)), CloseStream())))
    await client.start(media_format=MULAW_24K)
    await client.until_closed()
    assert client.of_type("fetch_output") == [[], []]
    assert (client.kinds[0], client.kinds[-1]) == ("started", "end")
    assert [value for _, value in client.record.outputs] == [1, 2]


@virtual_time
async def test_an_output_whose_turn_has_not_come_when_the_time_is_up_is_stored(monkeypatch):
    class Crowd:
        async def next(self):
            await asyncio.Event().wait()

    monkeypatch.setattr(runner, "_emissions", Crowd())
    client = Client(Stream(Scripted(AdditionalOutputs(1)), time_limit=1))
    await client.start()
    await client.until_closed()
    assert client.end_reasons == ["time_limit"]
    assert [output for _, output in client.record.outputs] == [1]


class Asking(Scripted):
    def note(self):
        self.calls.append(get_current_context().webrtc_id)

    async def start_up(self):
        self.note()

    async def receive(self, frame):
        self.note()

    async def emit(self):
        self.note()
        return await super().emit()

    async def shutdown(self):
        self.note()

    def marked(self, name):
        self.note()


@virtual_time
async def test_the_current_context_is_known_in_every_callback():
    handlers = {name: Asking() for name in ("a", "b")}
    clients = {name: Client(Stream(handler)) for name, handler in handlers.items()}
    for name, client in clients.items():
        await client.start(name, media_format=MULAW_24K)
        await elapse(0.1)
        await client.send(SILENCE * 480)
        await client.say(event="mark", mark={"name": "m"})
        await elapse(0.1)
    for client in clients.values():
        await client.stop()
        await client.until_closed()
    assert {name: handler.calls for name, handler in handlers.items()} == {"a": ["a"] * 5, "b": ["b"] * 5}


class Interrupted(Scripted):
    def interrupted(self):
        self.calls.append(get_current_context().webrtc_id)


@virtual_time
async def test_a_client_that_interrupts_hears_no_more_and_the_handler_is_told():
    handler = Interrupted(level(1000, 10.0))
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await client.until(lambda client: len(client.heard) >= 480)
    await client.say(event="clear")
    await elapse(1.0)
    assert {"event": "clear"} in client.messages
    assert len(client.heard) < 24000 * 0.5
    assert handler.calls == ["start_up", "a"]
    await client.stop()
    await client.until_closed()


@virtual_time
async def test_leaving_while_being_admitted_is_recorded():
    handler = Scripted()
    client = Client(Stream(handler))
    await client.start()
    await client.call.leave()
    assert (client.record.end_reason, client.record.ends) == ("client_gone", 1)
    assert handler.calls == []


@virtual_time
async def test_the_handler_knows_its_session():
    handler = Scripted()
    client = Client(Stream(handler), alias="shop", user="ann")
    await client.start("a", params={"room": 5})
    await elapse(0.1)
    session = handler.session
    assert (session.id, session.stream, session.user, session.params) == ("a", "shop", "ann", {"room": 5})
    assert handler.channel is session
    await handler.send_message(json.dumps({"type": "log", "data": "x"}))
    session.send('{"type": "log", "data": "y"}')
    await elapse(0.1)
    assert client.of_type("log") == ["x", "y"]


@virtual_time
async def test_audio_that_comes_before_admission_is_not_lost():
    client = Client(Stream(Echo()))
    await client.start(media_format=MULAW_24K)
    for value in range(10):
        await client.send(bytes([value]) * 480)
    await client.until(lambda client: len(client.heard) == 4800)
    assert client.heard == b"".join(bytes([value]) * 480 for value in range(10))


@virtual_time
async def test_audio_of_a_wrong_length_is_an_error_of_the_client():
    handler = Scripted()
    client = Client(Stream(handler))
    await client.start(media_format={**MULAW_24K, "encoding": "pcm_s16le"})
    await elapse(0.1)
    await client.send(b"odd")
    await client.send(b"even")
    await elapse(0.1)
    assert client.messages[1]["code"] == "bad_length"
    assert sum(samples.size for _, samples in handler.frames) <= 4


@virtual_time
async def test_binary_framing():
    client = Client(Stream(Echo()))
    await client.start(media_format={**MULAW_24K, "framing": "binary"})
    await client.until(lambda client: client.messages)
    await client.call.receive(None, SILENCE * 480)
    await client.until(lambda client: len(client.messages) > 1)
    assert client.messages[1] == SILENCE * 480
