"""A plain function or generator of audio as the handler.

With input (modes `send-receive` and `send`) it is called with each frame: `fn((sample_rate, samples), *inputs)`.
In mode `receive` it is called once: `fn(*inputs)`, and the session ends when it does.
While it requires inputs and there are none, the client is asked for them first.
What it returns or yields is what `emit` of a handler returns.
"""

import asyncio
import inspect
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from rtc.emission import AudioEmitType, CloseStream
from rtc.handlers import AsyncStreamHandler, HandlerBase, StreamHandler

Function = Callable[..., Any]

_FRAMES = 500
"""How many frames may wait for the function before the oldest is dropped: 10 s at 20 ms a frame."""


class Inputs:
    """The client's, as far as a function takes any.

    Args:
        argument_count: how many other arguments it is called with.
    """

    def __init__(self, handler: HandlerBase, function: Function, argument_count: int) -> None:
        self._handler = handler
        self._needed = needs_inputs(function, argument_count)
        self._taken = takes_inputs(function, argument_count)

    @property
    def missing(self) -> bool:
        return self._needed and not self._handler.args_set.is_set()

    @property
    def latest(self) -> list[Any]:
        return self._handler.latest_args[1:] if self._taken else []


class FunctionHandler(StreamHandler):
    """Calls a function, or runs a generator, in the session's own thread."""

    def __init__(self, function: Function, *, takes_audio: bool) -> None:
        super().__init__()
        self._function = function
        self._takes_audio = takes_audio
        self._inputs = Inputs(self, function, 1 if takes_audio else 0)
        self._frames: queue.Queue[tuple[Any, ...] | None] = queue.Queue(_FRAMES)
        self._emissions: Iterator[Any] = iter(())
        if not takes_audio:
            self._frames.put(())

    def receive(self, frame: tuple[int, Any]) -> None:
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put((frame,))

    def emit(self) -> AudioEmitType:
        while True:
            for emission in self._emissions:
                return emission
            if not self._takes_audio and self._frames.empty():
                return CloseStream("the audio is over")
            arguments = self._frames.get()
            if arguments is None:
                return None
            if self._inputs.missing:
                self.wait_for_args_sync()
            result = self._function(*arguments, *self._inputs.latest)
            if inspect.iscoroutine(result):  # a decorator hid that it is async
                result = self.bound_session.wait_for(result)
            self._emissions = result if isinstance(result, Iterator) else iter(() if result is None else (result,))

    def shutdown(self) -> None:
        if inspect.isgenerator(self._emissions) and self._emissions.gi_suspended:
            self._emissions.close()
        if not self._frames.full():
            self._frames.put(None)


class AsyncFunctionHandler(AsyncStreamHandler):
    """Awaits a coroutine function, or runs an async generator, on the event loop."""

    def __init__(self, function: Function, *, takes_audio: bool) -> None:
        super().__init__()
        self._function = function
        self._takes_audio = takes_audio
        self._inputs = Inputs(self, function, 1 if takes_audio else 0)
        self._frames: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue(_FRAMES)
        self._emissions: AsyncIterator[Any] | None = None
        if not takes_audio:
            self._frames.put_nowait(())

    async def receive(self, frame: tuple[int, Any]) -> None:
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait((frame,))

    async def emit(self) -> AudioEmitType:
        while True:
            if self._emissions is not None:
                async for emission in self._emissions:
                    return emission
                self._emissions = None
            if not self._takes_audio and self._frames.empty():
                return CloseStream("the audio is over")
            arguments = await self._frames.get()
            if self._inputs.missing:
                await self.wait_for_args()
            arguments = (*arguments, *self._inputs.latest)
            if is_async_generator(self._function):
                self._emissions = self._function(*arguments)
            elif (result := await self._function(*arguments)) is not None:
                return result

    async def shutdown(self) -> None:
        if inspect.isasyncgen(self._emissions):
            await self._emissions.aclose()


def is_async(function: Function) -> bool:
    return any(map(inspect.iscoroutinefunction, _called(function))) or is_async_generator(function)


def is_async_generator(function: Function) -> bool:
    return any(map(inspect.isasyncgenfunction, _called(function)))


def _called(function: Function) -> tuple[Function, Function]:
    """It, and what runs when it is no function but an object that can be called."""
    return function, type(function).__call__


def needs_inputs(function: Function, argument_count: int) -> bool:
    """Whether it can't be called with so many arguments alone."""
    required = [
        parameter
        for parameter in positional_parameters(function)
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
    ]
    return len(required) > argument_count


def takes_inputs(function: Function, argument_count: int) -> bool:
    """Whether it takes more than so many arguments: what is passed by name alone is none of the client's."""
    parameters = positional_parameters(function)
    return len(parameters) > argument_count or any(
        parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters
    )


def positional_parameters(function: Function) -> list[inspect.Parameter]:
    """What it can be passed in order, `*args` among it."""
    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return [parameter for parameter in inspect.signature(function).parameters.values() if parameter.kind in kinds]


def from_function(function: Function, *, takes_audio: bool) -> StreamHandler | AsyncStreamHandler:
    kind = AsyncFunctionHandler if is_async(function) else FunctionHandler
    return kind(function, takes_audio=takes_audio)
