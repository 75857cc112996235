"""Which session the code that is running now belongs to."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rtc.core.exceptions import RTCError
from rtc.core.messages import Mark, ServerMessage, Warn, serialize
from rtc.handshake import Handshake

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """Args: websocket: what the session's WebSocket was opened with, which is all that FastRTC's handlers ask of it."""

    webrtc_id: str
    websocket: Handshake | None = None


class WebRTCError(RTCError):
    """Raise it in a handler: the client is shown `message`, and the session ends."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = str(message)  # perhaps a lazy translation, or an exception

    def __str__(self) -> str:
        return self.message


class InputTimeout(WebRTCError):
    """The client was asked for input and sent none for `waited_s` seconds."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"No input came within {waited_s:g} s.")
        self.waited_s = waited_s


class SessionOver(RTCError):
    """A handler's thread waited for something that can no longer come."""

    def __str__(self) -> str:
        return "the session is over"


@dataclass(eq=False)
class SessionHandle:
    """What a handler knows of its session and can ask of it; `handler.session` is one.

    Args:
        id: the session id the client chose.
        stream: the stream's alias.
        input_timeout_s: how long the handler may wait for input that it asked for; None: for ever.
        user: the Django user, or None outside Django.
        params: the client's own object from `start`.
        hears: whether the client is sent audio, as it is in every mode but `send`.
        handshake: what its WebSocket was opened with; None: there is no WebSocket, as in tests.
        loop: the event loop the session's socket lives on.
        send_text: sends one text frame.
        clear: drops all queued audio, here and at the client.
        place_mark: puts a mark behind the audio queued so far.
        unplayed_s: how much audio was emitted and has not been played yet, in seconds, as far as the server can tell.
        turn_finished: notes the figures of a turn that was replied to.
        reply_failed: notes a failure of the user's code that the session survives.
    """

    id: str
    stream: str
    loop: asyncio.AbstractEventLoop
    send_text: Callable[[str], Coroutine[Any, Any, None]]
    clear: Callable[[], None]
    place_mark: Callable[[Mark], None]
    unplayed_s: Callable[[], float]
    user: Any = None
    input_timeout_s: float | None = None
    params: dict[str, Any] = field(default_factory=dict)
    hears: bool = True
    handshake: Handshake | None = None
    turn_finished: Callable[[dict[str, Any]], None] = lambda turn: None
    reply_failed: Callable[[Exception], None] = lambda error: None
    _sending: set["Future[None]"] = field(default_factory=set, init=False, repr=False)
    _waiting: set["Future[Any]"] = field(default_factory=set, init=False, repr=False)
    _over: bool = field(default=False, init=False, repr=False)

    def send(self, text: str) -> None:
        """Send one text frame, from any thread, without waiting for it."""
        future = asyncio.run_coroutine_threadsafe(self.send_text(text), self.loop)
        self._sending.add(future)
        future.add_done_callback(self._sending.discard)

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the event loop and wait for it in a thread.

        Raises:
            SessionOver: the session ended meanwhile, or has ended.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        self._waiting.add(future)
        if self._over:
            future.cancel()
        try:
            return future.result()
        except CancelledError:
            raise SessionOver from None
        finally:
            self._waiting.discard(future)

    def end(self) -> None:
        """Let go the threads that wait; the session is over."""
        self._over = True
        for future in list(self._waiting):
            future.cancel()

    def send_message(self, message: ServerMessage) -> None:
        self.send(serialize(message))

    def clear_queue(self) -> None:
        """Drop all audio not yet played, from any thread."""
        self.on_loop(self.clear)

    def mark(self, name: str) -> None:
        """Put a mark behind the audio emitted so far, from any thread."""
        self.on_loop(self.place_mark, Mark(name=name))

    def on_loop(self, callback: Callable[..., None], *args: Any) -> None:
        """Call at once on the session's own loop, so that it keeps its place between two emissions; else soon."""
        try:
            here = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            here = False
        if here:
            callback(*args)
        else:
            self.loop.call_soon_threadsafe(callback, *args)


current_session: ContextVar[SessionHandle | None] = ContextVar("current_session", default=None)


def get_current_context() -> Context:
    """The session this code runs for, in any callback of a handler, sync or async.

    Raises:
        RuntimeError: outside a session.
    """
    session = current_session.get()
    if session is None:
        raise RuntimeError("this code does not run for a session")
    return Context(webrtc_id=session.id, websocket=session.handshake)


def Warning(message: str = "Warning issued.") -> None:  # noqa: N802 - the name that handlers written for FastRTC call
    """Show the client a warning. Outside a session nothing happens."""
    session = current_session.get()
    if session is not None:
        session.send_message(Warn(text=str(message)))
