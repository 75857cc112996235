"""What users subclass. Names, signatures and meanings are FastRTC's, so that its audio handlers run here."""

import asyncio
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from rtc.context import InputTimeout, SessionHandle
from rtc.core.messages import Error, SendInput, serialize
from rtc.emission import AudioEmitType

_NONE: Any = object()
FRAMES_PER_SECOND = 50
"""A frame is 20 ms."""


class HandlerBase:
    """What both kinds of handler share. One instance serves one session; `copy()` makes the next one.

    Args:
        expected_layout: channels the handler wants; audio comes with one channel over a WebSocket.
        output_sample_rate: Hz of the audio sent to a client that declares no rate of its own.
        output_frame_size: ignored; a frame is always 20 ms.
        input_sample_rate: Hz of the audio that `receive` gets.
        fps: not used for audio.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._constructor_arguments = args, kwargs
        return self

    _constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(
        self,
        expected_layout: Literal["mono", "stereo"] = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        fps: int = 30,
    ) -> None:
        if output_sample_rate % FRAMES_PER_SECOND:
            raise ValueError(f"output_sample_rate is a multiple of {FRAMES_PER_SECOND} Hz, got {output_sample_rate}")
        self.expected_layout = expected_layout
        self.output_sample_rate = output_sample_rate
        self.input_sample_rate = input_sample_rate
        self.fps = fps
        self.output_frame_size = output_sample_rate // FRAMES_PER_SECOND
        if output_frame_size not in (None, self.output_frame_size):
            warnings.warn(
                f"output_frame_size is ignored: at {output_sample_rate} Hz it is {self.output_frame_size} samples",
                UserWarning,
                stacklevel=3,
            )
        self.latest_args: list[Any] = []
        self.args_set = asyncio.Event()
        self.__untaken = False
        self.channel_set = asyncio.Event()
        self._phone_mode = False
        self.__session: SessionHandle | None = None  # `_session` is a name that handlers have for their own

    def bind(self, session: SessionHandle) -> None:
        """Tie this handler to its session. Called once, on the event loop, before anything else."""
        self.__session = session
        self.channel_set.set()

    @property
    def bound_session(self) -> SessionHandle:
        """The session, whatever the handler keeps as its own `session`.

        Raises: RuntimeError before the session starts.
        """
        if self.__session is None:
            raise RuntimeError("this handler is not in a session yet")
        return self.__session

    @property
    def session(self) -> SessionHandle:
        """The session; or what the handler put there, as handlers written for FastRTC do with an HTTP session.

        Raises: RuntimeError before the session starts.
        """
        own: SessionHandle = self.__dict__.get("session", _NONE)
        return self.bound_session if own is _NONE else own

    @session.setter
    def session(self, value: Any) -> None:
        self.__dict__["session"] = value

    @property
    def channel(self) -> SessionHandle | None:
        """The way to the client: `channel.send(text)`; None before the session starts."""
        return self.__session

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self.bound_session.loop

    @property
    def clear_queue(self) -> Callable[[], None]:
        """Call it to drop all audio that was emitted and has not been played, here and at the client."""
        return self.bound_session.clear_queue

    @property
    def phone_mode(self) -> bool:
        """True when the session is a telephone call."""
        return self._phone_mode

    @phone_mode.setter
    def phone_mode(self, value: bool) -> None:
        self._phone_mode = value

    def mark(self, name: str) -> None:
        """Mark the place behind the audio emitted so far; `marked(name)` follows once the client has got there. One
        that declared no format is sent no marks.
        """
        self.bound_session.mark(name)

    def marked(self, name: str) -> None:
        """The client has played, or dropped, all audio before this mark. Override it; it must not block."""

    def interrupted(self) -> None:
        """The client wants to hear no more of this (`clear`): what was emitted and not played is dropped.

        Override it to stop what would be emitted next; it must not block.
        """

    async def send_message(self, msg: str) -> None:
        """Send a text frame to the client; `create_message` makes one."""
        await self.bound_session.send_text(msg)

    def send_message_sync(self, msg: str) -> None:
        """The same from a thread; returns once it is sent.

        Raises:
            RuntimeError: on the session's event loop, which it would wait for.
        """
        if asyncio._get_running_loop() is self.loop:
            raise RuntimeError("send_message_sync() would wait for itself on the event loop: it is for threads")
        asyncio.run_coroutine_threadsafe(self.send_message(msg), self.loop).result()

    async def fetch_args(self) -> None:
        """Ask the client for input."""
        await self.send_message(serialize(SendInput()))

    async def wait_for_args(self) -> None:
        """Ask the client for input and wait for it; then it is in `latest_args[1:]`.

        Raises:
            InputTimeout: none came within `RTC_INPUT_TIMEOUT_S`. The client is told; uncaught it ends the session.
        """
        if self.phone_mode:
            self.args_set.set()
            return
        await self.fetch_args()
        try:
            async with asyncio.timeout(self.bound_session.input_timeout_s):
                await self.args_set.wait()
            self.__untaken = False
        except TimeoutError:
            timeout = InputTimeout(self.bound_session.input_timeout_s or 0.0)
            await self.send_message(serialize(Error(code="input_timeout", text=str(timeout))))
            raise timeout from None

    def wait_for_args_sync(self) -> None:
        """The same from a thread. Raises: InputTimeout; SessionOver, when the session ends meanwhile."""
        self.bound_session.wait_for(self.wait_for_args())

    def set_args(self, args: list[Any]) -> None:
        """Take over input from the client. Called on the event loop."""
        self.latest_args = ["__webrtc_value__", *args]
        self.args_set.set()
        self.__untaken = True

    def reset(self) -> None:
        """Forget that input has come, so that the next `wait_for_args` asks anew. Called on the event loop at the end
        of the session, and by `ReplyOnPause` behind each reply; an override must not block.
        """
        self.args_set.clear()
        self.__untaken = False

    def _take_args(self) -> list[Any]:
        """What the client gave; the next `wait_for_args` asks anew."""
        self.args_set.clear()
        self.__untaken = False
        return self.latest_args[1:]

    @contextmanager
    def _keeping_untaken_args(self) -> Iterator[None]:
        """What the client gave and nobody has waited for yet is there behind it, whatever becomes of it meanwhile."""
        untaken = self.latest_args if self.__untaken else None
        try:
            yield
        finally:
            if untaken is not None:
                self.latest_args, self.__untaken = untaken, True
                self.args_set.set()

    def copy(self) -> Self:
        """A fresh handler for the next session; without an override, made with this one's constructor arguments."""
        args, kwargs = self._constructor_arguments
        return type(self)(*args, **kwargs)

    def shutdown(self) -> Any:
        """Release what the handler holds. Called exactly once, however the session ends; may be `async`."""


class StreamHandler(HandlerBase):
    """A handler of plain functions: each runs in a thread of the session's own and may block."""

    def start_up(self) -> None:
        """Runs first; audio is held back for a short time until it returns."""

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Take one frame: `(input_sample_rate, int16 array of shape (1, n))`."""
        raise NotImplementedError(f"{type(self).__name__} has no receive()")

    def emit(self) -> AudioEmitType:
        """Hand over the next piece: audio, outputs, `CloseStream`, or None when there is nothing now."""
        raise NotImplementedError(f"{type(self).__name__} has no emit()")


class AsyncStreamHandler(HandlerBase):
    """A handler of coroutines, which run on the event loop and must not block it."""

    async def start_up(self) -> None:
        """Runs first, and may go on as long as the session; audio is held back for a short time until it returns."""

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Take one frame: `(input_sample_rate, int16 array of shape (1, n))`."""
        raise NotImplementedError(f"{type(self).__name__} has no receive()")

    async def _unbind(self) -> None:
        """End what runs for the session besides. Called after `shutdown()`, whose override may forget it."""

    async def emit(self) -> AudioEmitType:
        """Hand over the next piece: audio, outputs, `CloseStream`, or None when there is nothing now."""
        raise NotImplementedError(f"{type(self).__name__} has no emit()")
