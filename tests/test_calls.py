"""A call from start to end, over a socket and a record in memory, in virtual time."""

import asyncio
import json

import pytest

from rtc import AdditionalOutputs, CloseStream, Stream, Warning, WebRTCError, get_current_context
from rtc.core.exceptions import Refused
from tests.callers import MULAW_24K, SILENCE, Client, MemoryRegistry
from tests.subjects import Echo, Scripted, level, seconds_of
from tests.virtual_time import virtual_time


@pytest.fixture(autouse=True)
def record(monkeypatch):
    return MemoryRegistry(monkeypatch)


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
    await asyncio.sleep(60)
    assert 250 < handler.count < 350
    assert seconds_of(1000, client.heard) == 0.5
    await client.stop()
    await client.until_closed()


@virtual_time
async def test_leaving_before_start(record, caplog):
    client = Client(Stream(Scripted()))
    await client.call.leave()
    assert (client.frames, client.close_code, record.rows, caplog.records) == ([], None, [], [])


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
    await asyncio.sleep(30)


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
    "server": ({}, [], lambda client: client.call.shut_down(), 4503, ["shutting_down"]),
}


@pytest.mark.parametrize("ending", ENDINGS)
@virtual_time
async def test_shutdown_is_called_once_on_every_path(ending, record):
    settings, emissions, end, close_code, reasons = ENDINGS[ending]
    handler = Scripted(*emissions)
    client = Client(Stream(handler, **settings))
    await client.start()
    await asyncio.sleep(1)
    await end(client)
    await client.call.leave()
    assert handler.calls == ["start_up", "shutdown"]
    assert (client.close_code, client.end_reasons) == (close_code, reasons)
    assert client.closes == (close_code is not None)
    assert [(row["ends"], row["reason"], row["close_code"]) for row in record.rows] == [
        (1, reasons[0] if reasons else "client_gone", close_code)
    ]


@pytest.mark.parametrize("where", ["start_up", "receive", "emit", "shutdown"])
@virtual_time
async def test_an_error_of_the_handler_reaches_client_and_log(where, caplog, settings):
    settings.RTC_SHOW_HANDLER_ERRORS = False

    async def fail(self, *arguments):
        self.calls.append("failed")
        raise ValueError("secret")

    handler = type("Failing", (Scripted,), {where: fail})()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await asyncio.sleep(0.1)
    await client.send(SILENCE * 480)
    await asyncio.sleep(0.1)
    await client.stop()
    close_code = await client.until_closed()
    assert handler.calls.count("failed") == 1
    assert "ValueError: secret" in caplog.text
    if where == "shutdown":
        assert close_code == 1000
        return
    assert handler.calls.count("shutdown") == 1
    assert close_code == 4500
    assert client.kinds[-2:] == ["error", "end"]
    assert client.messages[-2] == {
        "type": "error",
        "code": "handler_failed",
        "data": "The handler failed.",
        "message": "The handler failed.",
    }


@virtual_time
async def test_errors_can_be_shown(settings):
    settings.RTC_SHOW_HANDLER_ERRORS = True
    client = Client(Stream(Scripted("text")))
    await client.start()
    await client.until_closed()
    assert "emit" in client.of_type("error")[0]
    assert "got str" in client.of_type("error")[0]


@pytest.mark.parametrize("where", ["start_up", "receive", "emit"])
@virtual_time
async def test_webrtc_error_and_warning_reach_the_client(where):
    async def fail(self, *arguments):
        Warning("look out")
        await asyncio.sleep(0.01)
        raise WebRTCError("no more credit")

    client = Client(Stream(type("Failing", (Scripted,), {where: fail})()))
    await client.start(media_format=MULAW_24K)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500
    assert client.kinds == ["started", "warning", "error", "end"]
    assert (client.of_type("warning"), client.of_type("error")) == (["look out"], ["no more credit"])


@virtual_time
async def test_fetch_output_is_sent_for_each_additional_output():
    client = Client(Stream(Scripted(AdditionalOutputs(1), (level(1000, 0.02), AdditionalOutputs(2)), CloseStream())))
    await client.start(media_format=MULAW_24K)
    await client.until_closed()
    assert client.kinds == ["started", "fetch_output", "audio", "end"]
    assert client.of_type("fetch_output") == [[], []]


@virtual_time
async def test_the_current_context_is_known_in_every_callback():
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

    handlers = {name: Asking() for name in ("a", "b")}
    clients = {name: Client(Stream(handler)) for name, handler in handlers.items()}
    for name, client in clients.items():
        await client.start(name, media_format=MULAW_24K)
        await asyncio.sleep(0.1)
        await client.send(SILENCE * 480)
        await client.say(event="mark", mark={"name": "m"})
        await asyncio.sleep(0.1)
    for client in clients.values():
        await client.stop()
        await client.until_closed()
    assert {name: handler.calls for name, handler in handlers.items()} == {"a": ["a"] * 5, "b": ["b"] * 5}


@virtual_time
async def test_an_error_in_marked_ends_the_session():
    class Failing(Scripted):
        def marked(self, name):
            raise ValueError(name)

    handler = Failing()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await asyncio.sleep(0.1)
    await client.say(event="mark", mark={"name": "m"})
    assert await client.until_closed() == 4500
    assert handler.calls == ["start_up", "shutdown"]


@virtual_time
async def test_time_limit_plays_out_what_is_queued():
    client = Client(Stream(Scripted(level(1000, 8)), time_limit=5))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed(20) == 1000
    assert client.loop.time() == pytest.approx(8, abs=0.1)
    assert seconds_of(1000, client.heard) == 8


@virtual_time
async def test_time_limit_ends_a_session_whose_queue_is_too_long_for_the_grace(settings):
    settings.RTC_CLOSE_GRACE_S = 2
    client = Client(Stream(Scripted(level(1000, 60)), time_limit=5))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed(20) == 4408
    assert client.loop.time() == pytest.approx(7, abs=0.1)
    assert client.end_reasons == ["time_limit"]


@virtual_time
async def test_idle_timeout_is_pushed_back_by_whatever_comes():
    client = Client(Stream(Scripted(), idle_timeout=5))
    await client.start()
    for _ in range(10):
        await asyncio.sleep(4)
        await client.say(event="ping")
    assert client.close_code is None
    assert await client.until_closed(10) == 4408
    assert client.loop.time() == pytest.approx(45, abs=0.1)


@virtual_time
async def test_the_idle_timeout_has_a_default_and_one_for_no_start(settings):
    settings.RTC_IDLE_TIMEOUT_S = 7
    settings.RTC_START_TIMEOUT_S = 3
    client = Client(Stream(Scripted()))
    await client.start()
    silent = Client(Stream(Scripted()))
    assert await silent.until_closed(10) == 4408
    assert (silent.end_reasons, client.loop.time()) == (["no_start"], pytest.approx(3, abs=0.1))
    assert await client.until_closed(10) == 4408
    assert (client.end_reasons, client.loop.time()) == (["idle"], pytest.approx(7, abs=0.1))


@virtual_time
async def test_a_client_that_only_listens_is_not_idle():
    client = Client(Stream(Scripted(level(1000, 20)), mode="receive", idle_timeout=2))
    await client.start()
    assert await client.until_closed(60) == 4408
    assert client.loop.time() == pytest.approx(22, abs=0.5)


@pytest.mark.parametrize(("limit", "reason", "close_code"), [(1, "concurrency_limit_reached", 4429), (None, None, None)])
@virtual_time
async def test_concurrency_limit(limit, reason, close_code):
    first = Client(Stream(Scripted(), concurrency_limit=limit))
    await first.start("a")
    handler = Scripted()
    second = Client(Stream(handler, concurrency_limit=limit))
    await second.start("b")
    await asyncio.sleep(0.1)
    assert second.close_code == close_code
    assert handler.calls == ([] if limit else ["start_up"])
    if limit:
        assert second.messages[0] == {"status": "failed", "meta": {"error": reason, "limit": 1}}
        assert second.end_reasons == [reason]
        await first.stop()
        third = Client(Stream(Scripted(), concurrency_limit=limit))
        await third.start("c")
        await asyncio.sleep(0.1)
        assert third.close_code is None


@virtual_time
async def test_a_second_start_with_a_live_id_is_refused_and_the_first_lives_on():
    first = Client(Stream(Echo()))
    await first.start("a", media_format=MULAW_24K)
    handler = Scripted()
    second = Client(Stream(handler))
    await second.start("a")
    assert await second.until_closed() == 4409
    assert second.messages[0] == {"status": "failed", "meta": {"error": "connection_already_exists"}}
    assert handler.calls == []
    await first.send(SILENCE * 480)
    await first.until(lambda client: client.heard)
    assert first.close_code is None


@virtual_time
async def test_leaving_while_being_admitted_is_recorded(record):
    handler = Scripted()
    client = Client(Stream(handler))
    await client.start()
    await client.call.leave()
    assert [(row["reason"], row["ends"]) for row in record.rows] == [("client_gone", 1)]
    assert handler.calls == []


@virtual_time
async def test_a_record_that_fails_ends_the_session(monkeypatch, caplog):
    async def broken(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr("rtc.calls.perform", broken)
    handler = Scripted()
    client = Client(Stream(handler))
    await client.start()
    assert await client.until_closed() == 4500
    assert (client.end_reasons, handler.calls) == (["server_error"], [])
    assert "disk full" in caplog.text


@virtual_time
async def test_an_end_that_cannot_be_recorded_is_logged(record, monkeypatch, caplog):
    client = Client(Stream(Scripted()))
    await client.start()
    await asyncio.sleep(0.1)
    failed = asyncio.Future()
    failed.set_exception(Refused("no", 4500))
    monkeypatch.setattr("rtc.calls.submit", lambda *arguments: failed)
    await client.stop()
    assert await client.until_closed() == 1000
    await asyncio.sleep(0.1)
    assert "its end was not recorded" in caplog.text


@pytest.mark.parametrize("failing", ["copy", "bind"])
@virtual_time
async def test_a_handler_that_cannot_be_made(failing, caplog):
    def fail(self, *arguments):
        raise ValueError("no")

    client = Client(Stream(type("Failing", (Scripted,), {failing: fail})()))
    await client.start()
    assert await client.until_closed() == 4500
    assert client.kinds == ["error", "end"]
    assert "the handler could not be made" in caplog.text


@virtual_time
async def test_the_handler_knows_its_session():
    handler = Scripted()
    client = Client(Stream(handler), alias="shop", user="ann")
    await client.start("a", params={"room": 5})
    await asyncio.sleep(0.1)
    session = handler.session
    assert (session.id, session.stream, session.user, session.params) == ("a", "shop", "ann", {"room": 5})
    assert handler.channel is session
    await handler.send_message(json.dumps({"type": "log", "data": "x"}))
    session.send('{"type": "log", "data": "y"}')
    await asyncio.sleep(0.1)
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
async def test_binary_framing():
    client = Client(Stream(Echo()))
    await client.start(media_format={**MULAW_24K, "framing": "binary"})
    await client.until(lambda client: client.messages)
    await client.call.receive(None, SILENCE * 480)
    await client.until(lambda client: len(client.messages) > 1)
    assert client.messages[1] == SILENCE * 480
