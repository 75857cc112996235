"""Handlers whose callbacks block, in threads of their session's own. Real time: threads know no other."""

import asyncio
import gc
import queue
import threading
import time

import numpy as np
import pytest
from django.utils.translation import gettext_lazy as _

from rtc import AdditionalOutputs, CloseStream, Stream, StreamHandler, Warning, WebRTCError, get_current_context
from tests.callers import MULAW_24K, SILENCE, Client
from tests.handler_threads import handler_threads
from tests.subjects import Echo, SyncEcho, SyncScripted, level, seconds_of
from tests.virtual_time import until


@pytest.fixture(autouse=True)
def asyncio_has_nothing_to_complain_of(caplog):
    yield
    gc.collect()
    records = [*caplog.get_records("call"), *caplog.records]
    assert [record for record in records if record.name == "asyncio"] == []


async def begin(handler, session_id="a", **settings):
    client = Client(Stream(handler, **settings))
    await client.start(session_id, media_format=MULAW_24K)
    await client.until(lambda client: client.messages)
    return client


async def end(client):
    await client.stop()
    return await client.until_closed()


async def test_50_blocking_echoes_at_once_and_no_threads_left():
    clients = await asyncio.gather(*(begin(SyncEcho, f"session-{count}") for count in range(50)))
    frames = [bytes([value]) * 480 for value in range(10)]
    for frame in frames:
        for client in clients:
            await client.send(frame)
    await until(lambda: all(len(client.heard) == 4800 for client in clients), 20)
    assert {client.heard for client in clients} == {b"".join(frames)}
    assert await asyncio.gather(*(end(client) for client in clients)) == [1000] * 50
    await until(lambda: not handler_threads())


async def test_a_handler_that_spins_or_sleeps_does_not_starve_another_session():
    class Hog(SyncScripted):
        def receive(self, frame):
            time.sleep(0.2)

        def emit(self):
            return AdditionalOutputs(sum(range(2000)))

    hog = await begin(Hog())
    await hog.send(SILENCE * 480)
    echo = await begin(Echo, "b")
    for count in range(20):
        await echo.send(SILENCE * 480)
        await echo.until(lambda client, wanted=480 * (count + 1): len(client.heard) >= wanted)
    assert await end(hog) == await end(echo) == 1000


async def test_idle_sync_handler_does_not_spin():
    class Idle(SyncScripted):
        count = 0

        def emit(self):
            self.count += 1
            return level(1000, 0.02) if self.count == 5 else None

    handler = Idle()
    client = await begin(handler)
    await asyncio.sleep(1.0)
    assert handler.count < 20
    assert seconds_of(1000, client.heard) == 0.02
    await end(client)


async def test_the_current_context_is_known_in_every_sync_callback():
    class Asking(SyncScripted):
        def note(self, *arguments):
            self.calls.append(get_current_context().webrtc_id)

        start_up = receive = shutdown = note

        def emit(self):
            self.note()
            time.sleep(0.05)

    handlers = {name: Asking() for name in ("a", "b")}
    for name, handler in handlers.items():
        client = await begin(handler, name)
        await client.send(SILENCE * 480)
        await until(lambda handler=handler: len(handler.calls) > 3)
        await end(client)
        assert set(handler.calls) == {name}


@pytest.mark.parametrize("where", ["start_up", "receive", "emit"])
async def test_an_error_of_a_sync_handler_reaches_client_and_log(where, caplog):
    def fail(self, *arguments):
        Warning("look out")
        raise WebRTCError("no more credit")

    handler = type("Failing", (SyncScripted,), {where: fail})()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await client.until(lambda client: client.messages)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500
    assert client.kinds == ["started", "warning", "error", "end"]
    assert client.of_type("error") == ["no more credit"]
    assert "Traceback" in caplog.text and "no more credit" in caplog.text
    assert handler.calls.count("shutdown") == 1


async def test_what_is_no_emission_is_an_error_of_a_sync_handler_too(caplog):
    client = await begin(SyncScripted("text"))
    assert await client.until_closed() == 4500
    assert "got str" in caplog.text


@pytest.mark.parametrize("name", ["start_up", "receive", "emit"])
async def test_an_async_callback_of_a_sync_handler_is_an_error(name, caplog):
    async def callback(*args):
        pass

    handler = SyncScripted()
    setattr(handler, name, callback)
    client = await begin(handler)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500
    assert f"write `def {name}`" in caplog.text


async def test_an_error_in_a_sync_shutdown_is_logged(caplog):
    class Failing(SyncScripted):
        def shutdown(self):
            raise ValueError("no")

    assert await end(await begin(Failing())) == 1000
    assert "ValueError: no" in caplog.text


async def test_a_sync_handler_that_exits_is_an_error():
    class Exiting(SyncScripted):
        def emit(self):
            raise SystemExit

    client = await begin(Exiting())
    assert await client.until_closed(1) == 4500


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt(), WebRTCError(_("No credit left."))]
)
async def test_whatever_ends_a_thread_ends_its_session(error):
    class Ends(SyncScripted):
        def emit(self):
            raise error

    client = await begin(Ends())
    assert await client.until_closed() == 4500
    assert client.record.end_reason == "handler_failed"


async def test_a_sample_rate_without_end_is_an_error_of_a_sync_handler():
    client = await begin(SyncScripted((float("inf"), np.zeros(480, np.int16))))
    assert await client.until_closed() == 4500


async def test_close_stream_of_a_sync_handler_plays_out_what_is_queued():
    class Over(SyncScripted):
        def emit(self):
            return self.emissions.pop(0)  # an IndexError, should it be called again

    handler = Over(level(1000, 0.3), level(2000, 0.1), CloseStream("bye"))
    client = await begin(handler)
    assert await client.until_closed() == 1000
    assert (seconds_of(1000, client.heard), seconds_of(2000, client.heard)) == (0.3, 0.1)
    assert handler.calls == ["start_up", "shutdown"]


async def test_shutdown_runs_though_a_callback_never_returns(caplog, settings):
    released = threading.Event()

    class Stuck(SyncScripted):
        def emit(self):
            released.wait()

    handler = Stuck()
    client = await begin(handler)
    assert await end(client) == 1000
    assert handler.calls == ["start_up", "shutdown"]
    assert "has not returned from emit" in caplog.text
    released.set()
    await until(lambda: not handler_threads())


async def test_an_emit_that_waits_for_audio_is_woken_with_silence():
    class Waiting(StreamHandler):
        def __init__(self):
            super().__init__()
            self.frames = queue.Queue()

        def receive(self, frame):
            self.frames.put(frame)

        def emit(self):
            return self.frames.get()

    client = await begin(Waiting)
    assert await end(client) == 1000
    await until(lambda: not handler_threads())
    assert client.heard == b""


async def test_a_slow_shutdown_is_left_alone(settings, caplog):
    settings.RTC_SHUTDOWN_TIMEOUT_S = 0.3
    released = threading.Event()

    class Slow(SyncScripted):
        def shutdown(self):
            released.wait()

    client = await begin(Slow())
    assert await end(client) == 1000
    assert "shutdown() took too long" in caplog.text
    released.set()
    await until(lambda: not handler_threads())
    await asyncio.sleep(0)


async def test_an_error_after_the_end_is_only_logged(caplog):
    released = threading.Event()

    class Late(SyncScripted):
        def emit(self):
            released.wait()
            raise ValueError("too late")

        def shutdown(self):
            released.set()

    assert await end(await begin(Late())) == 1000
    assert "after its end" in caplog.text


async def test_sync_handlers_send_and_ask_from_their_threads():
    class Asking(SyncScripted):
        def receive(self, frame):
            self.send_message_sync('{"type": "log", "data": "x"}')
            self.wait_for_args_sync()
            self.calls.append(self.latest_args)

    handler = Asking()
    client = await begin(handler)
    await client.send(SILENCE * 480)
    await client.until(lambda client: "send_input" in client.kinds)
    assert client.of_type("log") == ["x"]
    handler.set_args([1, "two"])
    await until(lambda: ["__webrtc_value__", 1, "two"] in handler.calls)
    await end(client)


async def test_clear_queue_from_a_thread():
    class Interrupted(SyncScripted):
        def receive(self, frame):
            self.clear_queue()
            self.mark("cleared")

    handler = Interrupted(level(1000, 5))
    client = await begin(handler)
    await client.until(lambda client: client.heard)
    await client.send(SILENCE * 480)
    await client.until(lambda client: "mark" in client.kinds)
    assert client.kinds[-2:] == ["clear", "mark"]
    assert seconds_of(1000, client.heard) < 1
    await end(client)


async def test_audio_waits_for_a_sync_start_up():
    class Slow(SyncScripted):
        def start_up(self):
            time.sleep(0.2)
            self.calls.append(len(self.frames))

    handler = Slow()
    client = await begin(handler)
    await client.send(SILENCE * 4800)
    await until(lambda: handler.frames)
    assert handler.calls == [0]
    assert handler.frames[0][0] == 48000
    assert handler.frames[0][1].dtype == np.int16
    assert handler.frames[0][1].ndim == 2
    await end(client)


async def test_an_error_while_the_last_words_are_played_is_only_logged(caplog):
    released = threading.Event()

    class Late(SyncScripted):
        def receive(self, frame):
            self.calls.append("receive")
            released.wait()
            raise ValueError("too late")

        def emit(self):
            return self.emissions.pop(0) if "receive" in self.calls else None

    handler = Late(level(1000, 0.5), CloseStream())
    client = await begin(handler)
    await client.send(SILENCE * 480)
    await until(lambda: not handler.emissions and "rtc emit" not in [thread.name for thread in handler_threads()])
    released.set()
    assert await client.until_closed() == 1000
    assert seconds_of(1000, client.heard) == 0.5
    assert "too late" in caplog.text
