"""One call: a session's state, its handler and its record, on one socket."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rtc.conf import conf
from rtc.context import SessionHandle
from rtc.core import effects
from rtc.core.events import Admitted, Binary, Disconnected, Event, Expire, Finish, Junk, NotAdmitted
from rtc.core.exceptions import HandlerError, ProtocolError, Refused
from rtc.core.messages import Error, Mark, ServerMessage, Start, parse, parse_audio, serialize
from rtc.core.session import COME_AGAIN, DONE, HANDLER_FAILED, TIMED_OUT, Session, State
from rtc.deadlines import IdleTimer, TimeLimit
from rtc.drivers import blaming
from rtc.early import EarlyAudio
from rtc.limits import session_limits
from rtc.line import SocketLine
from rtc.particulars import Figures
from rtc.ports import Admission, Record, Socket
from rtc.runner import Runner, tell_of_failure
from rtc.sampling import Sampler, counts
from rtc.streams import Stream
from rtc.tasks import Tasks

logger = logging.getLogger(__name__)


class Call:
    """Takes what comes off a socket, and carries out what the session's state wants done.

    Args:
        alias: the stream's.
        calls: where live calls are found, by the primary key of their row; the call puts itself in and out.
    """

    def __init__(
        self, socket: Socket, stream: Stream, alias: str, admission: Admission, calls: "dict[int, Call]"
    ) -> None:
        self._socket = socket
        self.stream = stream
        self._alias = alias
        self._admission = admission
        self._calls = calls
        self._loop = asyncio.get_running_loop()
        self._max_audio_bytes = conf.RTC_MAX_AUDIO_BYTES
        self._max_params_bytes = conf.RTC_MAX_PARAMS_BYTES
        self._session = Session(
            error_limit=conf.RTC_ERROR_LIMIT,
            error_window_s=conf.RTC_ERROR_WINDOW_S,
            max_audio_bytes=self._max_audio_bytes,
        )
        self._early = EarlyAudio()
        self._params: dict[str, Any] = {}
        self._runner: Runner | None = None
        self._running: asyncio.Task[None] | None = None
        self._tasks = Tasks(self._task_failed)
        self._own = self._tasks.start
        self._record: Record | None = None
        self._sampler = Sampler()
        self._end: tuple[str, int | None] | None = None
        self._line: SocketLine | None = None
        self._last_heard = self._loop.time()
        self._idle = IdleTimer(self._loop, self._last_active, lambda: self._expire(reason="idle"))
        self._time_limit = TimeLimit(self._loop, self._time_is_up, lambda: self._expire(reason="time_limit"))
        opened_at = self._last_heard
        self._start_timer = IdleTimer(self._loop, lambda: opened_at, lambda: self._expire(reason="no_start"))
        self._start_timer.start(conf.RTC_START_TIMEOUT_S)

    @property
    def session_id(self) -> str:
        return self._session.id

    def take_audio(self, text: str | None) -> bool:
        """Take one text frame, if it is audio for a running handler, as most frames are; else `receive` takes it."""
        if text is None or self._runner is None:
            return False
        audio = parse_audio(text, self._max_audio_bytes)
        if audio is None or not self._session.takes(audio):
            return False
        self._last_heard = self._loop.time()
        self._runner.feed(audio, self._last_heard)
        return True

    def take_binary(self, payload: bytes) -> bool:
        """The same for a binary frame."""
        if self._runner is None or not self._session.takes_binary(payload):
            return False
        self._last_heard = self._loop.time()
        self._runner.feed(payload, self._last_heard)
        return True

    async def receive(self, text: str | None, payload: bytes | None) -> None:
        """One frame, text or binary. Only parses and enqueues: nothing of the handler's is awaited here."""
        self._last_heard = self._loop.time()
        event: Event
        if text is None:
            event = Binary(payload or b"")
        else:
            try:
                event = parse(text, max_audio_bytes=self._max_audio_bytes, max_params_bytes=self._max_params_bytes)
            except ProtocolError as error:
                event = Junk(error)
        await self.report(event)

    async def report(self, event: Event) -> None:
        """Tell the session what happened, and do what it wants done."""
        now = self._loop.time()
        todo = self._session.handle(event, now)
        if todo and isinstance(close := todo[-1], effects.Close):
            await self._close(close, [effect.message for effect in todo if isinstance(effect, effects.Reply)])
            return
        for effect in todo:
            if type(effect) is effects.Deliver:
                if self._runner is None:
                    self._early.put(effect.payload, now)
                else:
                    self._runner.feed(effect.payload, now)
            else:
                await _PERFORM[type(effect)](self, effect)

    async def leave(self) -> None:
        """The socket is gone; returns when nothing of the call is left running."""
        await self.report(Disconnected())
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing of the call is left running."""
        await self._tasks.settle()

    async def expel(self, reason: str) -> None:
        """End the session because this worker can't go on with it: its client may come again."""
        await self.report(Expire(reason=reason, close_code=COME_AGAIN))

    # What the session wants done -------------------------------------------------------------------------------

    async def _reply(self, effect: effects.Reply) -> None:
        self._note(effect.message)
        await self._socket.send_text(serialize(effect.message))

    def _note(self, *messages: ServerMessage) -> None:
        for error in messages:
            if isinstance(error, Error) and self._record is not None:
                self._record.entry("error", error.code)

    async def _admit(self, effect: effects.Admit) -> None:
        self._start_timer.cancel()
        self._idle.start(self.stream.idle_timeout or conf.RTC_IDLE_TIMEOUT_S)
        self._own(self._look_up(effect.start))

    async def _look_up(self, start: Start) -> None:
        try:
            record = await self._admission.admit(start, lambda: self._end is None)
        except Refused as refusal:
            await self.report(NotAdmitted(refusal))
            return
        self._record = record
        if self._end is not None:
            record.ended(*self._end, self.figures())  # the client left meanwhile
            return
        self._calls[record.pk] = self
        self._params = start.params
        await self.report(Admitted())

    async def _run(self, effect: effects.Run) -> None:
        """Start the handler; what came while the session was admitted comes first."""
        if self._end is not None:
            return  # the session ended while its client was told that it had started
        assert self._record is not None  # it was admitted
        media_format = self._session.media_format
        self._line = line = SocketLine(self._socket, self._record, media_format, self.report, self._tasks)
        handle = SessionHandle(
            id=self._session.id,
            stream=self._alias,
            user=self._record.user,
            params=self._params,
            hears=self.stream.sends_audio,
            handshake=self._socket.handshake,
            loop=self._loop,
            send_text=line.send_message,
            clear=self.clear,
            place_mark=self._place_mark,
            unplayed_s=self._unplayed_s,
            input_timeout_s=conf.RTC_INPUT_TIMEOUT_S,
            turn_finished=line.turn_finished,
            reply_failed=line.failed,
        )
        limits = session_limits()
        try:
            with blaming("new_handler"):  # the user's code: a constructor, a copy() or a bind()
                runner = Runner(self.stream.new_handler(), self.stream, handle, media_format, line, limits)
        except HandlerError as error:
            await tell_of_failure(error, self._session.id, line, show_errors=limits.show_errors)
            return
        self._runner = runner
        for payload, came_at in self._early.take_all():
            runner.feed(payload, came_at)
        self._record.started()
        self._running = self._own(runner.run())
        if self.stream.time_limit is not None:
            self._time_limit.start(self.stream.time_limit, conf.RTC_CLOSE_GRACE_S)

    async def _marked(self, effect: effects.Marked) -> None:
        if self._runner is not None:
            await self._runner.marked(effect.name)

    async def _interrupt(self, effect: effects.Interrupt) -> None:
        if self._runner is not None:
            await self._runner.interrupt()

    async def _play_out(self, effect: effects.PlayOut) -> None:
        if self._runner is not None:
            self._runner.finish()

    async def _close(self, effect: effects.Close, last_words: list[ServerMessage]) -> None:
        """End the session, once: timers, handler, record; then tell the client and close the socket. One that does not
        read, or what can't be sent, keeps no session alive.
        """
        self._note(*last_words)
        self._end = effect.reason, effect.close_code
        self._start_timer.cancel()
        self._admission.abandon()
        self._idle.cancel()
        self._time_limit.cancel()
        if self._runner is not None and self._running is not asyncio.current_task():
            self._runner.stop()
        if self._record is not None:
            self._calls.pop(self._record.pk, None)
            self._record.ended(effect.reason, effect.close_code, self.figures())
        try:
            for message in last_words:
                await self._socket.send_text(serialize(message))
        finally:
            if effect.close_code is not None:
                await self._socket.close_socket(effect.close_code)

    def figures(self) -> Figures:
        return Figures(
            **counts(self._runner),
            errors=self._session.error_count,
            sample_rate=self._line.sample_rate if self._line else None,
            history=self._sampler.history,
        )

    # What others ask of a live call --------------------------------------------------------------------------------

    def take_input(self, values: list[Any], sent: list[Any] | None = None, body: str = "") -> bool:
        """Hand input to the handler; False when the session takes none now.

        Args:
            sent: what the client sent, as JSON has it, where a form made something else of it; that goes on record.
            body: the JSON that it came in, if it did.
        """
        if self._runner is None or self._session.state is not State.ACTIVE:
            return False
        self._runner.take_input(values)
        if self._record is not None:
            self._record.input(values if sent is None else sent, body)
        return True

    def hang_up(self, text: str = "") -> None:
        """End the session from outside, at once."""
        self._expire(reason="hung_up", close_code=DONE, text=str(text))

    def clear(self) -> None:
        """Drop all audio not yet played."""
        if self._runner is not None:
            self._runner.playout.clear()

    def sample(self) -> dict[str, Any]:
        """Its live figures, for the heartbeat."""
        return {
            **counts(self._runner),
            "errors": self._session.error_count,
            "idle_s": round(self._loop.time() - self._last_heard, 1),
            "recent": self._sampler.take(self._runner) if self._runner else [],
        }

    # Timers and callbacks --------------------------------------------------------------------------------------

    def _last_active(self) -> float:
        """A client that only listens has nothing to say: then what it is sent counts."""
        if self._runner is not None and not self.stream.takes_audio:
            return max(self._last_heard, self._runner.playout.last_sent)
        return self._last_heard

    def _time_is_up(self) -> None:
        self._own(self.report(Finish(reason="time_limit")))

    def _place_mark(self, mark: Mark) -> None:
        if self._runner is not None:
            self._runner.playout.mark(mark)

    def _unplayed_s(self) -> float:
        return 0.0 if self._runner is None else self._runner.playout.unplayed_s

    def _task_failed(self, error: BaseException) -> None:
        logger.error("session %s: %s", self._session.id, error, exc_info=error)
        self._expire(reason="server_error", close_code=HANDLER_FAILED)

    def _expire(self, *, reason: str, close_code: int = TIMED_OUT, text: str = "") -> None:
        self._own(self.report(Expire(reason=reason, close_code=close_code, text=text)))


_PERFORM: dict[type, Callable[[Call, Any], Awaitable[None]]] = {
    effects.Reply: Call._reply,
    effects.Admit: Call._admit,
    effects.Run: Call._run,
    effects.Marked: Call._marked,
    effects.Interrupt: Call._interrupt,
    effects.PlayOut: Call._play_out,
}
