"""A session ends, whatever its client, its handler or its last words are like; in virtual time."""

import asyncio
import gc
import weakref

import pytest
from django.utils.translation import gettext_lazy as _

from rtc import CloseStream, Stream, Warning, WebRTCError, create_message
from rtc.core.resampling import Resampler
from tests.callers import MULAW_24K, SILENCE, Client
from tests.subjects import Echo, Scripted, level, seconds_of
from tests.virtual_time import elapse, virtual_time


def failure_on_record(client):
    (text,) = [text for _at, kind, text in client.record.entries if kind == "failed"]
    return text


@virtual_time
async def test_last_words_may_be_a_lazy_translation():
    client = Client(Stream(Scripted(CloseStream(_("Goodbye")))))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 1000
    assert client.of_type("end") == [{"reason": "handler_closed", "message": "Goodbye"}]


@virtual_time
async def test_hanging_up_with_a_lazy_translation():
    client = Client(Stream(Scripted()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    client.call.hang_up(_("Bye"))
    assert await client.until_closed() == 1000
    assert client.of_type("end") == [{"reason": "hung_up", "message": "Bye"}]


@pytest.mark.parametrize("message", [_("No credit left."), ValueError("No credit left.")])
@virtual_time
async def test_errors_and_warnings_may_be_made_of_anything_with_a_text(message):
    class Fails(Scripted):
        async def emit(self):
            Warning(message)
            raise WebRTCError(message)

    client = Client(Stream(Fails()))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 4500
    assert client.of_type("warning") == client.of_type("error") == ["No credit left."]
    assert client.record.end_reason == "handler_failed"


class Unreadable(Exception):
    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize("error", [Unreadable(), SystemExit(1), OverflowError("inf")])
@pytest.mark.parametrize("where", ["start_up", "receive", "emit"])
@virtual_time
async def test_whatever_a_handler_lets_out_ends_its_session_alone(where, error, caplog):
    async def fail(self, *arguments):
        raise error

    client = Client(Stream(type("Failing", (Scripted,), {where: fail})()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500
    assert client.record.end_reason == "handler_failed"
    assert type(error).__name__ in caplog.text


@virtual_time
async def test_a_sample_rate_without_end_is_an_error_of_the_handler():
    client = Client(Stream(Scripted((float("inf"), level(1000, 0.02)[1]))))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 4500
    assert "OverflowError" in failure_on_record(client)


@virtual_time
async def test_a_client_that_cannot_be_told_ends_on_record_all_the_same():
    client = Client(Stream(Scripted()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    reads = asyncio.Event()
    send_text = client.send_text

    async def wait_to_send(text):
        await reads.wait()
        await send_text(text)

    client.send_text = wait_to_send
    client.call.hang_up()
    await elapse(0.1)
    assert (client.record.end_reason, client.close_code) == ("hung_up", None)
    reads.set()
    assert await client.until_closed() == 1000


@virtual_time
async def test_last_words_that_cannot_be_sent_do_not_keep_the_socket_open(caplog):
    client = Client(Stream(Scripted()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)

    async def fail(text):
        raise ValueError("unsendable")

    client.send_text = fail
    client.call.hang_up()
    assert await client.until_closed() == 1000
    assert "unsendable" in caplog.text


@virtual_time
async def test_a_session_that_ends_while_its_client_is_told_of_its_start_runs_no_handler():
    handler = Scripted()
    client = Client(Stream(handler, time_limit=600))
    send_text = client.send_text

    async def slowly(text):
        await elapse(1)
        await send_text(text)

    client.send_text = slowly
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await asyncio.wait_for(client.call.leave(), 10)
    assert handler.calls == []
    assert client.record.end_reason == "client_gone"


@virtual_time
async def test_words_before_start_do_not_put_off_its_time_limit(settings):
    settings.RTC_START_TIMEOUT_S = 5
    client = Client(Stream(Scripted()))
    for _second in range(6):
        await client.say(event="ping")
        await elapse(1)
    assert (client.close_code, client.end_reasons) == (4408, ["no_start"])


@virtual_time
async def test_a_session_that_started_in_time_goes_on(settings):
    settings.RTC_START_TIMEOUT_S = 5
    client = Client(Stream(Scripted()))
    await elapse(4)
    await client.start(media_format=MULAW_24K)
    await elapse(20)
    assert client.close_code is None
    await client.stop()
    assert await client.until_closed() == 1000


@virtual_time
async def test_empty_audio_is_nothing():
    class Busy(Scripted):
        async def receive(self, frame):
            await super().receive(frame)
            await elapse(1)

    handler = Busy(input_sample_rate=24000)
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    for _frame in range(1000):
        await client.say(event="media", media={"payload": ""})
    await client.send(SILENCE * 480)
    await elapse(0.1)
    assert [samples.size for _rate, samples in handler.frames] == [480]
    assert client.of_type("error") == []
    assert client.call.figures().frames_in == 1
    await client.stop()
    assert await client.until_closed() == 1000


@virtual_time
async def test_a_message_that_no_server_sends_is_an_error_of_the_handler():
    class Long(Scripted):
        async def emit(self):
            await self.send_message("x" * (1 << 20))
            await self.send_message("ü" * (1 << 19) + "x")

    client = Client(Stream(Long()))
    client.send_text = lambda text: asyncio.sleep(0)
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 4500
    assert "a message holds at most 1048576 bytes" in failure_on_record(client)


class Stubborn(Scripted):
    """Swallows its cancellation, and waits for what `shutdown` does."""

    def __init__(self):
        super().__init__()
        self.quit = asyncio.Event()

    async def start_up(self):
        await super().start_up()
        while not self.quit.is_set():
            try:
                await self.quit.wait()
            except asyncio.CancelledError:
                self.calls.append("cancelled")

    async def shutdown(self):
        await super().shutdown()
        self.quit.set()


@pytest.mark.parametrize(
    "emissions", [[], [CloseStream()], ["no audio"]], ids=["client leaves", "handler closes", "handler fails"]
)
@virtual_time
async def test_a_handler_that_swallows_its_cancellation_is_shut_down_all_the_same(emissions, caplog):
    handler = Stubborn()
    handler.emissions = emissions
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(5)
    await asyncio.wait_for(client.call.leave(), 10)
    assert handler.calls[0] == "start_up"
    assert handler.calls.count("shutdown") == 1
    assert "its handler goes on" in caplog.text


@virtual_time
async def test_last_words_are_played_out_before_shutdown(caplog):
    handler = Scripted(level(1000, 3), CloseStream())
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(2.5)
    assert handler.calls == ["start_up"]
    assert await client.until_closed() == 1000
    assert (seconds_of(1000, client.heard), handler.calls) == (3, ["start_up", "shutdown"])
    assert "goes on" not in caplog.text


def resamplers():
    """Those at work."""
    return [found for found in gc.get_objects() if type(found) is Resampler and found._stream is not None]


@virtual_time
async def test_resamplers_go_with_their_session():
    """They are memory of libsoxr's, which the garbage collector does not see."""
    before = resamplers()
    gc.disable()
    try:
        client = Client(Stream(Echo(48000)))
        await client.start(media_format={**MULAW_24K, "sample_rate": 16000})
        await elapse(0.1)
        for _frame in range(10):
            await client.send(SILENCE * 320)
            await elapse(0.02)
        own = [weakref.ref(found) for found in resamplers() if found not in before]
        assert len(own) == 2
        await client.stop()
        await client.until_closed()
        assert [found() for found in own] == [None, None]
    finally:
        gc.enable()


@virtual_time
async def test_a_handler_may_have_a_session_of_its_own_and_flags_with_our_names():
    class Ported(Scripted):
        def __init__(self):
            super().__init__()
            self.session = None
            self.interrupted = self.marked = False

        async def emit(self):
            assert self.session is None
            await self.send_message(create_message("log", "hello"))
            return await super().emit()

    client = Client(Stream(Ported()))
    await client.start(media_format=MULAW_24K)
    await client.say(event="clear")
    await client.say(event="mark", mark={"name": "a"})
    await elapse(0.1)
    assert (client.of_type("log"), client.close_code) == (["hello"], None)
    await client.stop()
    assert await client.until_closed() == 1000


@virtual_time
async def test_send_message_sync_says_that_it_is_for_threads():
    class Sends(Scripted):
        async def emit(self):
            self.send_message_sync("text")

    client = Client(Stream(Sends()))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 4500
    assert "it is for threads" in failure_on_record(client)
