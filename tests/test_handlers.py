import asyncio

import pytest

from rtc import AsyncStreamHandler, StreamHandler, Warning, WebRTCError, get_current_context
from rtc.context import SessionHandle
from rtc.core.exceptions import RTCError
from rtc.core.messages import Mark
from tests.virtual_time import virtual_time


def bound(kind=AsyncStreamHandler, **settings):
    """A handler in a session, and what the session did."""
    done = []

    async def send_text(text):
        done.append(text)

    handler = kind(**settings)
    handler.bind(
        SessionHandle(
            id="a",
            stream="default",
            loop=asyncio.get_running_loop(),
            send_text=send_text,
            clear=lambda: done.append("clear"),
            place_mark=done.append,
            unplayed_s=lambda: 0.5,
        )
    )
    return handler, done


@pytest.mark.parametrize("kind", [StreamHandler, AsyncStreamHandler])
def test_defaults_are_fastrtcs(kind):
    handler = kind()
    assert (handler.expected_layout, handler.output_sample_rate, handler.input_sample_rate) == ("mono", 24000, 48000)
    assert (handler.output_frame_size, handler.fps, handler.phone_mode) == (480, 30, False)
    assert handler.latest_args == []
    assert not handler.args_set.is_set()


def test_a_frame_is_20_ms_whatever_is_asked():
    assert StreamHandler(output_sample_rate=16000, output_frame_size=320).output_frame_size == 320
    with pytest.warns(UserWarning, match="output_frame_size is ignored: at 16000 Hz it is 320 samples"):
        assert StreamHandler(output_sample_rate=16000, output_frame_size=480).output_frame_size == 320
    with pytest.raises(ValueError, match="multiple of 50 Hz"):
        StreamHandler(output_sample_rate=22025 + 1)


def test_before_the_session_there_is_none():
    handler = StreamHandler()
    assert handler.channel is None
    for name in ("session", "loop", "clear_queue"):
        with pytest.raises(RuntimeError, match="not in a session yet"):
            getattr(handler, name)


@virtual_time
async def test_a_bound_handler_reaches_its_session():
    handler, done = bound()
    assert handler.channel is handler.session
    assert handler.channel_set.is_set()
    assert handler.loop is asyncio.get_running_loop()
    await handler.send_message("text")
    handler.clear_queue()
    handler.mark("m")
    assert done == ["text", "clear", Mark(name="m")]
    assert handler.session.unplayed_s() == 0.5


async def test_clear_queue_and_mark_from_another_thread():
    handler, done = bound(StreamHandler)
    await asyncio.to_thread(handler.clear_queue)
    await asyncio.to_thread(handler.mark, "m")
    await asyncio.to_thread(handler.send_message_sync, "text")
    assert done == ["clear", Mark(name="m"), "text"]


@virtual_time
async def test_wait_for_args_asks_the_client_and_waits():
    handler, done = bound()
    waiting = asyncio.create_task(handler.wait_for_args())
    await asyncio.sleep(1)
    assert done == ['{"type": "send_input", "data": []}']
    assert not waiting.done()
    handler.set_args(["x", 5])
    await waiting
    assert handler.latest_args == ["__webrtc_value__", "x", 5]
    handler.reset()
    assert not handler.args_set.is_set()
    assert handler.latest_args[1:] == ["x", 5]


@virtual_time
async def test_a_telephone_has_no_input_to_ask_for():
    handler, done = bound()
    handler.phone_mode = True
    await handler.wait_for_args()
    assert done == []
    assert handler.args_set.is_set()


def test_copy_uses_the_constructor_arguments():
    class Assistant(StreamHandler):
        def __init__(self, name, *, voice):
            super().__init__(input_sample_rate=16000)
            self.name = name
            self.voice = voice

    original = Assistant("ann", voice="low")
    copy = original.copy().copy()
    assert copy is not original
    assert (copy.name, copy.voice, copy.input_sample_rate) == ("ann", "low", 16000)
    assert copy.args_set is not original.args_set


def test_what_a_sync_handler_must_have():
    class Empty(StreamHandler):
        pass

    handler = Empty()
    assert handler.start_up() is handler.shutdown() is handler.marked("m") is None
    with pytest.raises(NotImplementedError, match="Empty has no receive"):
        handler.receive(None)
    with pytest.raises(NotImplementedError, match="Empty has no emit"):
        handler.emit()


@virtual_time
async def test_what_an_async_handler_must_have():
    handler = AsyncStreamHandler()
    assert await handler.start_up() is None
    with pytest.raises(NotImplementedError, match="AsyncStreamHandler has no receive"):
        await handler.receive(None)
    with pytest.raises(NotImplementedError, match="AsyncStreamHandler has no emit"):
        await handler.emit()


def test_outside_a_session_there_is_no_context_and_nobody_to_warn():
    with pytest.raises(RuntimeError, match="does not run for a session"):
        get_current_context()
    Warning("nobody hears it")


def test_webrtc_error_carries_its_message():
    error = WebRTCError("no more credit")
    assert isinstance(error, RTCError)
    assert error.message == str(error) == "no more credit"
