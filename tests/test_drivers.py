"""Handlers of coroutines, driven on the event loop, in virtual time."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc import AdditionalOutputs, CloseStream, Stream, WebRTCError
from rtc.core.audio import decode_mulaw
from rtc.drivers import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, Throttle
from tests.callers import MULAW_24K, SILENCE, Client
from tests.subjects import Echo, Scripted, level, seconds_of
from tests.virtual_time import elapse, run_virtual, virtual_time


def test_the_throttle_doubles_its_pause_until_something_came():
    throttle = Throttle()
    assert [throttle.pause_s(0.0) for _ in range(6)] == [0.02, 0.04, 0.08, 0.16, 0.2, 0.2]
    throttle.busy()
    assert throttle.pause_s(0.005) == pytest.approx(SHORTEST_PAUSE_S - 0.005)
    assert throttle.pause_s(SHORTEST_PAUSE_S) == 0.0
    assert throttle.pause_s(0.0) == SHORTEST_PAUSE_S
    assert LONGEST_PAUSE_S == 0.2


@virtual_time
async def test_a_handler_that_had_something_to_say_is_asked_again_soon():
    script = [None] * 5 + [level(1000, 0.02), None, level(2000, 0.02)]

    class Halting(Scripted):
        async def emit(self):
            return self.emissions.pop(0) if self.emissions else None

    client = Client(Stream(Halting(*script)))
    await client.start(media_format=MULAW_24K)
    await elapse(2)
    assert [at for at, _ in client.payloads] == pytest.approx([0.5, 0.52], abs=0.001)


@pytest.mark.parametrize(
    "greedy",
    [level(1000, 0.02), level(1000, 10), level(1000, 0), AdditionalOutputs(1), (None, AdditionalOutputs(1)), None],
    ids=["frames", "chunks", "empty", "outputs", "nothing and outputs", "none"],
)
@virtual_time
async def test_async_emit_that_never_awaits_does_not_starve_another_session(greedy):
    class Greedy(Scripted):
        async def emit(self):
            self.calls.append("emit")
            assert len(self.calls) < 10_000, "it had the loop to itself"
            return greedy

    hog = Client(Stream(Greedy()))
    echo = Client(Stream(Echo()))
    await hog.start("a", media_format=MULAW_24K)
    await echo.start("b", media_format=MULAW_24K)
    await echo.until(lambda client: client.messages)
    await echo.send(SILENCE * 480)
    for _ in range(100):
        if echo.heard:
            break
        await asyncio.sleep(0)
    assert echo.heard
    assert echo.loop.time() < 0.01
    for client in (hog, echo):
        await client.stop()
        await client.until_closed()


@virtual_time
async def test_a_backlog_for_receive_does_not_starve_another_session():
    class Greedy(Scripted):
        async def receive(self, frame):
            self.calls.append(len(other.frames))

    other = Client(Stream(Scripted(*[AdditionalOutputs(1)] * 100)))
    handler = Greedy()
    client = Client(Stream(handler))
    await client.start("a", media_format=MULAW_24K)
    for _ in range(100):
        await client.send(SILENCE * 480)
    await other.start("b", media_format=MULAW_24K)
    await elapse(0.1)
    assert len(set(handler.calls[1:-1])) > 50
    for each in (client, other):
        await each.stop()
        await each.until_closed()


@virtual_time
async def test_an_echo_is_back_before_the_loop_does_anything_else():
    client = Client(Stream(Echo()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    for number in range(1, 4):
        await client.send(bytes([number]) * 480)
        assert client.heard[-480:] == bytes([number]) * 480
        await elapse(0.02)
    await client.stop()
    assert await client.until_closed() == 1000


@pytest.mark.parametrize(
    ("last", "close_code"), [(CloseStream("bye"), 1000), ("no emission", 4500), (ZeroDivisionError("emit"), 4500)]
)
@virtual_time
async def test_what_ends_a_call_may_follow_its_audio_at_once(last, close_code):
    class Ending(Echo):
        async def emit(self):
            await super().emit()
            if isinstance(last, Exception):
                raise last
            return last

    client = Client(Stream(Ending()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == close_code
    assert [kind for _, kind, _ in client.record.entries if kind == "failed"] == ["failed"] * (close_code == 4500)


@given(
    sends=st.lists(st.tuples(st.sampled_from([0, 0.001, 0.02]), st.sampled_from([None, 0, 0.003, 0.05])), max_size=12)
)
def test_receive_gets_each_frame_in_order_and_in_one_task_however_long_it_takes(sends):
    """Each send: seconds until the next, and what `receive` waits with it."""

    class Taking(Scripted):
        async def receive(self, frame):
            wait_s = sends[len(self.frames)][1]
            self.frames.append(frame)
            self.calls.append(asyncio.current_task())
            if wait_s is not None:
                await asyncio.sleep(wait_s)
            self.calls.append(asyncio.current_task())

    async def run():
        handler = Taking(input_sample_rate=24000)
        client = Client(Stream(handler))
        await client.start(media_format=MULAW_24K)
        await elapse(0.1)
        for number, (gap_s, _) in enumerate(sends):
            await client.send(bytes([number]) * 480)
            await asyncio.sleep(gap_s)
        await elapse(2)
        await client.stop()
        assert await client.until_closed() == 1000
        return handler

    handler = run_virtual(run())
    numbers = bytes(range(len(sends)))
    assert [frame[1][0, 0] for frame in handler.frames] == decode_mulaw(numbers).tolist()
    assert len(set(handler.calls[1:-1])) == bool(sends)


@virtual_time
async def test_a_receive_that_has_just_begun_to_wait_learns_that_the_session_is_over():
    class Waiting(Scripted):
        async def receive(self, frame):
            self.calls.append("receive")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                self.calls.append("over")

    handler = Waiting()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.send(SILENCE * 480)
    await client.stop()
    assert await client.until_closed() == 1000
    assert handler.calls == ["start_up", "receive", "over", "shutdown"]


@virtual_time
async def test_a_receive_that_fails_though_it_was_cancelled_has_failed():
    class Failing(Scripted):
        async def receive(self, frame):
            asyncio.current_task().cancel()
            raise ValueError("receive")

    client = Client(Stream(Failing()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500
    failed = [text for _, kind, text in client.record.entries if kind == "failed"]
    assert failed == ["the handler failed in receive(): ValueError: receive"]


@virtual_time
async def test_a_timeout_within_receive_is_its_own_however_short():
    class Impatient(Scripted):
        async def receive(self, frame):
            for timeout_s in (0, 0.001):
                try:
                    async with asyncio.timeout(timeout_s):
                        await asyncio.Event().wait()
                except TimeoutError:
                    self.calls.append("timeout")

    handler = Impatient()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    for _ in range(2):
        await elapse(0.1)
        await client.send(SILENCE * 480)
    await elapse(0.1)
    await client.stop()
    assert await client.until_closed() == 1000
    assert handler.calls == ["start_up", *["timeout"] * 4, "shutdown"]


@virtual_time
async def test_audio_waits_for_start_up():
    class Slow(Scripted):
        async def start_up(self):
            await elapse(0.5)
            self.calls.append(len(self.frames))

    handler = Slow()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    for _ in range(20):
        await client.send(SILENCE * 480)
        await elapse(0.02)
    await elapse(0.2)
    assert handler.calls == [0]
    assert sum(frame[1].size for frame in handler.frames) > 18 * 960


@virtual_time
async def test_a_start_up_that_goes_on_as_long_as_the_session_holds_audio_only_for_a_while():
    class Endless(Scripted):
        async def start_up(self):
            try:
                await elapse(3600)
            finally:
                self.calls.append("start_up ended")

    handler = Endless()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await client.send(SILENCE * 2400)
    await elapse(0.9)
    assert not handler.frames
    await elapse(0.2)
    assert handler.frames
    await client.stop()
    await client.until_closed()
    assert handler.calls == ["start_up ended", "shutdown"]


@virtual_time
async def test_a_handler_that_swallows_its_cancellation_ends():
    class Swallowing(Scripted):
        async def emit(self):
            try:
                await elapse(3600)
            except asyncio.CancelledError:
                self.calls.append("cancelled")
                if self.calls.count("cancelled") > 1:
                    raise

    handler = Swallowing()
    client = Client(Stream(handler))
    await client.start()
    await elapse(1)
    await client.stop()
    assert await client.until_closed() == 1000
    assert handler.calls == ["start_up", "cancelled", "shutdown"]


class Undying(Scripted):
    """Goes on for 20 s, whoever cancels it."""

    async def start_up(self):
        loop = asyncio.get_running_loop()
        while loop.time() < 20:
            with suppress(asyncio.CancelledError):
                await elapse(1)


@pytest.mark.parametrize("end", ["stop", "close_stream"])
@virtual_time
async def test_a_handler_that_goes_on_after_its_shutdown_is_left_alone(end, settings, caplog):
    settings.RTC_SHUTDOWN_TIMEOUT_S = 2

    handler = Undying(level(1000, 0.5), *[CloseStream()] * (end == "close_stream"))
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(1)
    if end == "stop":
        await client.stop()
    assert await client.until_closed(10) == 1000
    assert client.loop.time() < 6
    assert seconds_of(1000, client.heard) == 0.5
    assert handler.calls == ["shutdown"]
    assert "its Undying goes on; it is left alone" in caplog.text
    await elapse(20)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("hung_up", [False, True])
@virtual_time
async def test_why_a_handler_failed_is_told_though_it_goes_on_after_its_shutdown(hung_up, settings, caplog):
    settings.RTC_SHUTDOWN_TIMEOUT_S = 2

    class Failing(Undying):
        async def emit(self):
            await elapse(1)
            raise WebRTCError("No credit left.")

    client = Client(Stream(Failing()))
    await client.start(media_format=MULAW_24K)
    await elapse(2)
    if hung_up:
        client.call.hang_up()
    await client.call.settle()
    assert client.loop.time() < 6
    assert [kind for _, kind, _ in client.record.entries].count("failed") == 1
    assert "No credit left." in caplog.text
    assert client.record.end_reason == ("hung_up" if hung_up else "handler_failed")
    assert client.of_type("error") == ([] if hung_up else ["No credit left."])
    await elapse(20)


@virtual_time
async def test_hanging_up_while_callbacks_come_to_their_end_plays_nothing_out():
    class Tidy(Scripted):
        async def start_up(self):
            try:
                await elapse(3600)
            finally:
                await elapse(0.5)

    client = Client(Stream(Tidy(level(1000, 10), CloseStream())))
    await client.start(media_format=MULAW_24K)
    await elapse(0.2)
    client.call.hang_up()
    await client.call.settle()
    assert client.loop.time() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("where", ["start_up", "receive", "emit"])
@virtual_time
async def test_a_cancellation_of_the_handlers_own_is_its_failure(where):
    async def await_what_was_cancelled(self, *arguments):
        task = asyncio.ensure_future(asyncio.sleep(5))
        task.cancel()
        await task

    client = Client(Stream(type("Cancelling", (Scripted,), {where: await_what_was_cancelled})()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.send(SILENCE * 480)
    assert await client.until_closed(30) == 4500


@virtual_time
async def test_close_stream_plays_out_what_is_queued_before_the_close():
    client = Client(Stream(Scripted(level(1000, 3), CloseStream("bye"))))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed(20) == 1000
    assert seconds_of(1000, client.heard) == 3
    assert client.loop.time() == pytest.approx(3, abs=0.05)
    assert client.kinds == ["started", "audio", "end"]
    assert client.of_type("end") == [{"reason": "handler_closed", "message": "bye"}]


@virtual_time
async def test_nothing_is_asked_of_a_handler_that_closed_its_stream():
    class Over(Scripted):
        async def emit(self):
            return self.emissions.pop(0)  # an IndexError, should it be called again

    client = Client(Stream(Over(level(1000, 0.5), CloseStream())))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 1000
    assert seconds_of(1000, client.heard) == 0.5


@virtual_time
async def test_a_shutdown_that_takes_too_long_is_left_alone(settings, caplog):
    settings.RTC_SHUTDOWN_TIMEOUT_S = 2

    class Slow(Scripted):
        async def shutdown(self):
            await elapse(10)

    client = Client(Stream(Slow()))
    await client.start()
    await elapse(1)
    await client.stop()
    await client.until_closed()
    assert client.loop.time() == pytest.approx(3, abs=0.1)
    assert "shutdown() took too long" in caplog.text


@virtual_time
async def test_shutdown_of_an_async_handler_may_be_a_plain_function():
    class Plain(Scripted):
        def shutdown(self):
            self.calls.append("shutdown")

    handler = Plain(CloseStream())
    client = Client(Stream(handler))
    await client.start()
    await client.until_closed()
    assert handler.calls[-1] == "shutdown"
