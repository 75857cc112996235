"""Functions and generators of audio as handlers."""

import asyncio
from functools import partial

import numpy as np
import pytest

from rtc import CloseStream, Stream, get_current_context
from rtc.functions import AsyncFunctionHandler, FunctionHandler
from tests.callers import MULAW_24K, SILENCE, Client
from tests.handler_threads import handler_threads
from tests.subjects import level, seconds_of
from tests.virtual_time import until, virtual_time


def plain(audio):
    rate, samples = audio
    return rate, samples


def generator(audio):
    rate, samples = audio
    middle = samples.shape[1] // 2
    yield rate, samples[:, :middle]
    yield rate, samples[:, middle:]


async def coroutine(audio):
    await asyncio.sleep(0)
    return audio


async def async_generator(audio):
    rate, samples = audio
    middle = samples.shape[1] // 2
    yield rate, samples[:, :middle]
    await asyncio.sleep(0)
    yield rate, samples[:, middle:]


class CallableCoroutine:
    async def __call__(self, audio):
        return audio


class CallableGenerator:
    async def __call__(self, audio):
        yield audio


def iterator(audio):
    return iter([audio])


def tune():
    yield level(1000, 0.2)
    yield level(2000, 0.2)


def one_note():
    return level(1000, 0.2)


async def async_tune():
    yield level(1000, 0.2)
    await asyncio.sleep(0)
    yield level(2000, 0.2)


async def async_note():
    return level(1000, 0.2)


@pytest.mark.parametrize(
    "function",
    [
        plain,
        generator,
        coroutine,
        async_generator,
        CallableCoroutine(),
        CallableGenerator(),
        partial(coroutine),
        iterator,
        lambda audio: coroutine(audio),
    ],
)
async def test_a_function_of_audio_is_called_with_each_frame(function):
    client = Client(Stream(function))
    await client.start(media_format={**MULAW_24K, "sample_rate": 48000})
    for _ in range(10):
        await client.send(SILENCE * 960)
    await client.until(lambda client: len(client.heard) == 9600)
    assert client.heard == SILENCE * 9600
    await client.stop()
    assert await client.until_closed() == 1000
    await until(lambda: not handler_threads())


@pytest.mark.parametrize(("function", "levels"), [(tune, 2), (one_note, 1), (async_tune, 2), (async_note, 1)])
async def test_in_mode_receive_a_function_is_called_once_and_the_session_ends_with_it(function, levels):
    client = Client(Stream(function, mode="receive"))
    await client.start(media_format=MULAW_24K)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 1000
    assert client.of_type("end") == [{"reason": "handler_closed", "message": "the audio is over"}]
    assert [seconds_of(value, client.heard) for value in (1000, 2000)] == [0.2, 0.2 * (levels - 1)]


@pytest.mark.parametrize("is_async", [False, True])
async def test_in_mode_send_nothing_comes_back(is_async):
    heard = []

    def listen(audio):
        heard.append((get_current_context().webrtc_id, audio[1].size))
        return audio

    async def listen_async(audio):
        return listen(audio)

    client = Client(Stream(listen_async if is_async else listen, mode="send"))
    await client.start(media_format={**MULAW_24K, "sample_rate": 48000})
    for _ in range(5):
        await client.send(SILENCE * 960)
    await until(lambda: len(heard) == 5)
    await client.stop()
    await client.until_closed()
    assert set(heard) == {("a", 960)}
    assert client.kinds == ["started", "end"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_may_return_nothing(is_async):
    heard = []

    def listen(audio):
        heard.append(audio)

    async def listen_async(audio):
        heard.append(audio)

    client = Client(Stream(listen_async if is_async else listen))
    await client.start(media_format={**MULAW_24K, "sample_rate": 48000})
    for _ in range(5):
        await client.send(SILENCE * 960)
    await until(lambda: len(heard) == 5)
    await client.stop()
    assert await client.until_closed() == 1000
    assert client.kinds == ["started", "end"]


@pytest.mark.parametrize("failing", [lambda audio: 1 / 0, "later"])
async def test_an_error_in_a_function_ends_the_session(failing):
    def fail_later(audio):
        yield level(1000, 0.02)
        raise ValueError("no")

    client = Client(Stream(fail_later if failing == "later" else failing))
    await client.start(media_format=MULAW_24K)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500


def test_input_of_the_client_follows_the_audio():
    def with_inputs(audio, *inputs):
        return inputs

    handler = FunctionHandler(with_inputs, takes_audio=True)
    handler.latest_args = ["__webrtc_value__", "x", 5]
    handler.receive((48000, np.zeros((1, 960), np.int16)))
    assert handler.emit() == ("x", 5)


@virtual_time
async def test_input_of_the_client_follows_the_audio_of_a_coroutine():
    async def with_inputs(*inputs):
        return inputs

    handler = AsyncFunctionHandler(with_inputs, takes_audio=False)
    handler.latest_args = ["__webrtc_value__", "x", 5]
    assert await handler.emit() == ("x", 5)
    assert isinstance(await handler.emit(), CloseStream)


@pytest.mark.parametrize("is_async", [False, True])
async def test_input_for_a_function_that_takes_none_is_not_passed_on(is_async):
    client = Client(Stream(coroutine if is_async else plain))
    await client.start(media_format={**MULAW_24K, "sample_rate": 48000})
    await client.until(lambda client: client.give_input("hello"))
    await client.send(SILENCE * 960)
    await client.until(lambda client: client.heard)
    await client.stop()
    assert await client.until_closed() == 1000


def test_frames_that_a_function_is_too_slow_for_are_dropped():
    handler = FunctionHandler(lambda frame: frame, takes_audio=True)
    for count in range(510):
        handler.receive(("frame", count))
    assert handler.emit() == ("frame", 10)
    handler.shutdown()


@virtual_time
async def test_frames_that_a_coroutine_is_too_slow_for_are_dropped():
    handler = AsyncFunctionHandler(coroutine, takes_audio=True)
    for count in range(510):
        await handler.receive(("frame", count))
    assert await handler.emit() == ("frame", 10)


def test_shutdown_closes_a_generator_that_is_not_over():
    closed = []

    def endless(audio):
        try:
            while True:
                yield audio
        finally:
            closed.append(True)

    handler = FunctionHandler(endless, takes_audio=True)
    handler.receive("frame")
    assert handler.emit() == handler.emit() == "frame"
    handler.shutdown()
    assert closed == [True]
    assert handler.emit() is None


@virtual_time
async def test_shutdown_closes_an_async_generator_that_is_not_over():
    closed = []

    async def endless(audio):
        try:
            while True:
                yield audio
        finally:
            closed.append(True)

    handler = AsyncFunctionHandler(endless, takes_audio=True)
    await handler.receive("frame")
    assert await handler.emit() == await handler.emit() == "frame"
    await handler.shutdown()
    assert closed == [True]


def test_shutdown_does_not_wait_for_room():
    handler = FunctionHandler(lambda frame: frame, takes_audio=True)
    for count in range(500):
        handler.receive(count)
    handler.shutdown()
