"""Has replies made, one at a time, and hands out what is to be heard of them."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from rtc.conf import conf
from rtc.context import WebRTCError
from rtc.core.exceptions import HandlerError
from rtc.core.messages import Error, Log, serialize
from rtc.drivers import failure, reset
from rtc.emission import AdditionalOutputs, AudioEmitType, take_apart, to_pcm
from rtc.functions import needs_inputs, takes_inputs
from rtc.generation import END, Generation, wait_until_over
from rtc.handlers import AsyncStreamHandler
from rtc.payloads import output_payload
from rtc.reply import Frame, Reply, current_reply
from rtc.wakeup import Wakeup

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 1.0
"""How long reply functions may take to end when their session does."""
NOTHING_S = 0.001
"""The pause after an emission that there was nothing in: a generator may yield such until it has something."""
PLAYED_S = 0.005
"""With so little left to play, a reply is over."""

ReplyFunction = Callable[..., Any]


class Replier:
    """The replies of one session. Used on its loop; `next` by one task, in whose context reply functions run.

    Args:
        keeps_unheard: whether `hold` may be called.
        asks: whether replies get the client's inputs.
        audible: called when a reply begins to be heard.
        over: called when it was made and played, or failed.
        replied: called with each reply that came to an end, but for those to turns that go on.
    """

    def __init__(
        self,
        handler: AsyncStreamHandler,
        *,
        keeps_unheard: bool,
        asks: Callable[[], bool],
        audible: Callable[[], None],
        over: Callable[[], None],
        replied: Callable[[Reply], None],
    ) -> None:
        self._handler = handler
        self._session = handler.bound_session
        self._keeps_unheard = keeps_unheard
        self._asks = asks
        self._audible = audible
        self._over = over
        self._replied = replied
        self._news = Wakeup()
        self._stopped: list[Generation] = []
        self._previous: Reply | None = None
        self.reply: Reply | None = None

    def begin(self, fn: ReplyFunction, turn: Frame | None) -> None:
        """Reply with `fn` to the audio of a turn; without one: greet."""
        began = self._session.loop.time()
        self.reply = Reply(self._session, fn, turn, began=began, keeps_unheard=self._keeps_unheard)
        self.reply.previous, self._previous = self._previous, None
        self._news.set()

    def drop(self, turn_goes_on: bool = False) -> None:
        """Stop the reply, if there is one, and drop what was not heard of it."""
        reply = self.reply
        if reply is None:
            return
        reply.interrupt()
        if reply.first_audio is not None:
            self._session.clear_queue()
        self._retire(reply)
        if turn_goes_on:
            reply.turn = None
        else:
            self._replied(reply)

    def hold(self) -> None:
        """Fall silent, but keep the reply."""
        if self.reply is not None:
            self.reply.hold()
            self._session.clear_queue()

    def resume(self) -> None:
        """Go on where it was heard to."""
        if self.reply is not None:
            self.reply.held = False
            self._news.set()

    async def close(self) -> None:
        """End what runs, and wait for that a short time."""
        reply = self.reply
        if reply is not None:
            reply.interrupt()
            self._retire(reply)
            self._replied(reply)
        if await wait_until_over(self._stopped, STOP_TIMEOUT_S):
            logger.warning("session %s is over, but its reply function has not returned", self._session.id)

    async def next(self) -> AudioEmitType:
        """Wait for what is to be emitted next."""
        while True:
            reply = self.reply
            if reply is not None:
                reply.left()
            if reply is None or reply.held or reply.made:
                await self._news.wait()
                continue
            try:
                emission = await self._next_of(reply)
            except HandlerError as error:
                await self._fail(reply, error)
                continue
            if emission is not None:
                return emission

    async def _next_of(self, reply: Reply) -> AudioEmitType:
        """None when there is nothing to emit, or the reply has been dropped or held meanwhile."""
        generation = self._generate(reply)
        item = reply.pending.popleft() if reply.pending else await generation.next()
        if reply is not self.reply:
            return None
        if reply.held:
            reply.pending.append(item)
            return None
        if item is END:
            await self._made(reply)
            return None
        return await self._emission(reply, item)

    async def _emission(self, reply: Reply, item: Any) -> AudioEmitType:
        frame, control = _taken_apart(item)
        if isinstance(control, AdditionalOutputs):
            _encode(control)
            if not self._session.hears:
                self._audible()  # it is all that the client learns of the reply
            if frame is not None:
                reply.pending.appendleft(frame)
            if self._handler.phone_mode:
                self._handler.set_args(list(control.args))
            return control
        if frame is None or not frame[1].size:
            if control is None:
                await asyncio.sleep(NOTHING_S)
            return control
        if control is not None:
            reply.pending.appendleft(control)
        return await self._sounding(reply, frame)

    async def _sounding(self, reply: Reply, frame: Frame) -> AudioEmitType:
        if reply.first_audio is None:
            await self._handler.send_message(serialize(Log(text="response_starting")))
            if reply is not self.reply:
                return None
            if reply.held:
                reply.pending.appendleft(frame)
                return None
            reply.first_audio = self._session.loop.time()
            self._audible()
        reply.emitting(frame)
        return frame

    def _generate(self, reply: Reply) -> Generation:
        if reply.generation is None:
            token = current_reply.set(reply)
            try:
                reply.generation = Generation(reply.fn, partial(self._arguments, reply), self._session.id)
            finally:
                current_reply.reset(token)
        return reply.generation

    async def _arguments(self, reply: Reply) -> tuple[Any, ...]:
        """What the function is called with; if it takes more than the turn, the client is asked."""
        turn = () if reply.turn is None else (reply.turn,)
        if not self._takes_inputs(reply):
            return turn
        if not self._handler.args_set.is_set():
            await self._handler.wait_for_args()
        return (*turn, *self._handler._take_args())

    def _takes_inputs(self, reply: Reply) -> bool:
        if reply.turn is not None:
            return takes_inputs(reply.fn, 1)
        # As in FastRTC: a greeting gets them where replies do.
        return needs_inputs(reply.fn, 0) or (self._asks() and takes_inputs(reply.fn, 0))

    async def _made(self, reply: Reply) -> None:
        """The function has ended; the reply has when it was played."""
        reply.made = True
        self._reset()
        if reply.first_audio is None and not reply.failed:
            await self._handler.send_message(serialize(Log(text="response_starting")))
        self._look_if_played(reply)

    def _reset(self) -> None:
        """Behind each reply, as FastRTC does; but what the client gave meanwhile is there for the next one."""
        try:
            with self._handler._keeping_untaken_args():
                reset(self._handler)
        except HandlerError as error:
            self.survived(error)

    def survived(self, error: HandlerError) -> None:
        """Log and note a failure of the user's code that does not end the session."""
        logger.error("session %s goes on, but %s", self._session.id, error, exc_info=error.__cause__ or error)
        self._session.reply_failed(error)

    def _look_if_played(self, reply: Reply) -> None:
        if reply is not self.reply or not reply.made:
            return
        left_s = self._session.unplayed_s() if reply.first_audio is not None else 0.0
        if left_s > PLAYED_S:
            self._session.loop.call_later(left_s, self._look_if_played, reply)
            return
        self._retire(reply)
        self._over()
        self._replied(reply)

    def _retire(self, reply: Reply) -> None:
        reply.release()
        self.reply, self._previous = None, reply
        if reply.generation is not None and not reply.generation.task.done():
            self._stopped = [generation for generation in self._stopped if not generation.task.done()]
            self._stopped.append(reply.generation)

    async def _fail(self, reply: Reply, error: HandlerError) -> None:
        """Tell of it; what was emitted before is still played."""
        reply.failed = True
        reply.stop()
        self.survived(error)
        cause = error.__cause__
        if isinstance(cause, WebRTCError):
            text = cause.message
        else:
            text = str(error) if conf.RTC_SHOW_HANDLER_ERRORS else "The reply failed."
        await self._handler.send_message(serialize(Error(code="reply_failed", text=text)))
        if reply is self.reply:
            await self._made(reply)


def _encode(outputs: AdditionalOutputs) -> None:
    """Raises: HandlerError, when a reply function yields what has no JSON."""
    try:
        outputs.payload = output_payload(outputs.args)
    except (TypeError, ValueError) as error:
        raise failure("fn", error) from error


def _taken_apart(item: Any) -> tuple[Frame | None, Any]:
    """Raises: HandlerError, when a reply function yields what can't be sent."""
    try:
        frame, control = take_apart(item)
        return None if frame is None else to_pcm(frame), control
    except (TypeError, ValueError, OverflowError) as error:
        raise failure("fn", error) from error
