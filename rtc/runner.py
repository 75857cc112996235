"""Runs one handler for one session: two bounded queues, one task group, one `finally`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from rtc.context import SessionHandle, WebRTCError, current_session
from rtc.core.events import Broken, Event, Finish, PlayedOut
from rtc.core.exceptions import HandlerError
from rtc.core.formats import MediaFormat
from rtc.core.messages import Clear, Log, Mark
from rtc.drivers import Driver, Taken, TaskDriver, blaming, failure, reset
from rtc.emission import AdditionalOutputs, CloseStream, plain_audio, take_apart, to_pcm
from rtc.fairness import OneAtATime
from rtc.handlers import AsyncStreamHandler
from rtc.intake import Intake
from rtc.limits import Limits
from rtc.playout import Playout
from rtc.playout_format import playout_format
from rtc.streams import Handler, Stream
from rtc.tasks import unless_given_up
from rtc.threads import ThreadDriver

logger = logging.getLogger(__name__)

CANCEL_TIMEOUT_S = 1.0
"""How long what was cancelled may take to end."""
MEASURE_LIMIT_S = 3.0
"""When to decide on the rate of a client that declares none, however little it has sent."""

_emissions = OneAtATime()


class Line(Protocol):
    """The way to one client, and to its session's state."""

    @property
    def send_audio(self) -> Callable[[bytes], Awaitable[None]]: ...

    async def send_control(self, message: Mark | Clear) -> None: ...

    async def send_outputs(self, outputs: AdditionalOutputs) -> None: ...

    def failed(self, error: Exception) -> None: ...

    async def flush(self) -> None:
        """Wait until the client has been told of all outputs."""

    async def report(self, event: Event) -> None: ...

    def rate_measured(self, sample_rate: int) -> None: ...


class Runner:
    """One session's handler at work.

    Args:
        handler: fresh, for this session alone.
        media_format: what the client declared, or None.
    """

    def __init__(
        self,
        handler: Handler,
        stream: Stream,
        session: SessionHandle,
        media_format: MediaFormat | None,
        line: Line,
        limits: Limits,
    ) -> None:
        self._handler = handler
        self._session = session
        self._line = line
        self._limits = limits
        self._finishing = asyncio.Event()
        self._stopped = False
        self._task: asyncio.Task[Any] | None = None
        self._measure_timer: asyncio.TimerHandle | None = None
        self._hurry_timer: asyncio.TimerHandle | None = None
        self._shutting_down: asyncio.Future[None] | None = None
        self._given_up: asyncio.Future[None] = session.loop.create_future()
        self._driving: list[asyncio.Task[None]] = []
        self.playout = Playout(
            playout_format(media_format, handler.output_sample_rate, limits.send_lead_s),
            limits.output_queue_s,
            send_audio=line.send_audio if stream.sends_audio else _send_nowhere,
            send_control=line.send_control,
        )
        self._driver: Driver = TaskDriver(handler) if isinstance(handler, AsyncStreamHandler) else ThreadDriver(handler)
        self.intake = Intake(
            media_format,
            handler.input_sample_rate,
            limits.input_queue_s,
            arrived=self._driver.arrived,
            rate_measured=self._rate_measured,
        )
        self.feed: Callable[[bytes, float], None] = self.intake.put
        """Audio of the client's, and when it came on the loop's clock."""
        if not stream.takes_audio:
            self.feed = _drop
        elif media_format is None:
            self.feed = self._feed_first
        handler.bind(session)

    def _feed_first(self, payload: bytes, now: float) -> None:
        """Audio whose rate is to be measured."""
        self.feed = self.intake.put
        self._measure_timer = self._session.loop.call_later(MEASURE_LIMIT_S, self.intake.settle)
        self.intake.put(payload, now)

    def take_input(self, values: list[Any]) -> None:
        """Input of the client's, for the handler's `latest_args`."""
        self._handler.set_args(values)

    async def marked(self, name: str) -> None:
        await self._call_back("marked", name)

    async def interrupt(self) -> None:
        """The client wants to hear no more of what is being said."""
        await self._call_back("interrupted")  # first: it may want to know how much was heard
        self.playout.clear()

    async def _call_back(self, name: str, *args: Any) -> None:
        token = current_session.set(self._session)
        try:
            with blaming(name):
                if callable(hook := getattr(self._handler, name)):  # a handler may have a flag of that name
                    hook(*args)
        except HandlerError as error:
            await self._failed(error)
        finally:
            current_session.reset(token)

    def stop(self) -> None:
        """End at once; `run` still shuts the handler down."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    def finish(self) -> None:
        """Take nothing more from the handler, play out what is queued, and report `PlayedOut`."""
        self._finishing.set()

    async def run(self) -> None:
        """Run until the handler fails or all is played out, and report it; or until cancelled.

        Ends with the handler's `shutdown()` on each of these ways.
        """
        current_session.set(self._session)
        self._task = asyncio.current_task()
        try:
            if not self._stopped:
                await unless_given_up(self._drive(), self._given_up)
                await self.playout.play_out()
                await self._line.flush()
                await self._line.report(PlayedOut())
        except HandlerError as error:
            await self._failed(error)
        finally:
            await self._shut_down()

    async def _failed(self, error: HandlerError) -> None:
        await tell_of_failure(error, self._session.id, self._line, show_errors=self._limits.show_errors)

    async def _drive(self) -> None:
        error: HandlerError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                # First, so that start_up runs before anything else of the handler's.
                self._driving = self._driver.start(tasks, self.intake, self._deliver, self._limits.start_up_hold_s)
                tasks.create_task(self.playout.run())
                tasks.create_task(self._until_finishing())
        except* _Finishing:
            pass
        except* HandlerError as group:
            error = next(found for found in group.exceptions if isinstance(found, HandlerError))
        finally:
            if self._hurry_timer is not None:
                self._hurry_timer.cancel()
            self._driving = []
        if error is not None:
            raise error

    async def _until_finishing(self) -> None:
        try:
            await self._finishing.wait()
        finally:  # the group ends, on whichever way
            self._hurry_timer = self._session.loop.call_later(CANCEL_TIMEOUT_S, self._hurry)
        raise _Finishing

    def _hurry(self) -> None:
        """A callback has swallowed its cancellation: it may wait for what `shutdown()` does."""
        logger.warning("session %s is over, but its handler goes on; it is shut down now", self._session.id)
        self._shutting_down = asyncio.ensure_future(self._driver.shutdown())
        timeout_s = self._limits.shutdown_timeout_s + CANCEL_TIMEOUT_S
        self._hurry_timer = self._session.loop.call_later(timeout_s, self._give_up)

    def _give_up(self) -> None:
        name = type(self._handler).__name__
        logger.error("session %s was shut down, but its %s goes on; it is left alone", self._session.id, name)
        for task in self._driving:
            if task.done() and not task.cancelled() and (error := task.exception()):
                self._given_up.set_exception(error)  # why it was to end
                return
        self._given_up.set_result(None)

    def _deliver(self, value: Any) -> Awaitable[Taken | None]:
        """Take one emission."""
        audio = plain_audio(value)
        if audio is None or not audio[1].size or self._finishing.is_set():
            return self._deliver_mixed(value)
        return self.playout.write(*audio)

    async def _deliver_mixed(self, value: Any) -> Taken | None:
        if self._finishing.is_set():
            return Taken.OVER
        if value is None:
            return Taken.NOTHING
        try:
            emitted, control = take_apart(value)
            frame = None if emitted is None else to_pcm(emitted)
        except (TypeError, ValueError, OverflowError) as error:
            raise failure("emit", error) from error
        if isinstance(control, AdditionalOutputs):
            try:
                await _emissions.next()  # outputs are not paced, and must not keep the loop from others
            finally:
                await self._send_outputs(control)  # if it is cancelled, too: it was emitted
        if frame is not None:
            await self.playout.write(*frame)
        if isinstance(control, CloseStream):
            await self._line.report(Finish(reason="handler_closed", text=control.msg))
            return Taken.OVER
        if control is None and (frame is None or not frame[1].size):
            return Taken.NOTHING
        return None

    async def _send_outputs(self, outputs: AdditionalOutputs) -> None:
        try:
            await self._line.send_outputs(outputs)
        except (TypeError, ValueError) as error:
            raise failure("emit", error) from error

    async def _shut_down(self) -> None:
        if self._measure_timer is not None:
            self._measure_timer.cancel()
        self.playout.close()
        self.intake.close()
        self._session.end()
        # A task of its own: this one may be cancelled already, and then Python 3.11.2 takes no time-out for one.
        shutdown = self._shutting_down or asyncio.ensure_future(self._driver.shutdown())
        for timeout_s in (self._limits.shutdown_timeout_s, CANCEL_TIMEOUT_S):
            if (await asyncio.wait([shutdown], timeout=timeout_s))[0]:
                break
            logger.warning("session %s: shutdown() took too long and was left alone", self._session.id)
            shutdown.cancel()
        if shutdown.done() and not shutdown.cancelled() and (error := shutdown.exception()):
            logger.error("session %s: shutdown() failed", self._session.id, exc_info=error)
        try:
            reset(self._handler)
        except HandlerError as error:
            logger.error("session %s: %s", self._session.id, error, exc_info=error.__cause__)

    def _rate_measured(self, sample_rate: int) -> None:
        if self._measure_timer is not None:
            self._measure_timer.cancel()
        self._session.send_message(Log(text=f"input_sample_rate {sample_rate}"))
        self._line.rate_measured(sample_rate)


class _Finishing(Exception):
    """Ends the task group when all is to be played out."""


async def tell_of_failure(error: HandlerError, session_id: str, line: Line, *, show_errors: bool) -> None:
    """To the log, the record and, in words that are fit for it, the client: its session ends."""
    cause = error.__cause__ or error
    logger.error("session %s: %s", session_id, error, exc_info=cause)
    line.failed(error)
    text = str(error) if show_errors else "The handler failed."
    if isinstance(cause, WebRTCError):
        text = cause.message
    await line.report(Broken(text=text))


def _drop(payload: bytes, now: float) -> None:
    """In mode `receive` nothing is taken in."""


async def _send_nowhere(payload: bytes) -> None:
    """In mode `send` what the handler emits is paced and heard by nobody."""
