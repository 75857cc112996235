"""`ReplyOnPause`: listens, and replies when the user pauses."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtc.conf import conf
from rtc.context import SessionHandle
from rtc.core.audio import to_frame
from rtc.core.exceptions import HandlerError
from rtc.core.messages import Log
from rtc.core.recent import RecentAudio
from rtc.core.speech import Measure
from rtc.core.turn_events import Held, Interrupted, Resumed, StartedTalking, TurnEvents, TurnOver
from rtc.core.turn_options import AlgoOptions, SileroVadOptions, TurnOptions
from rtc.core.turns import State, Turns
from rtc.drivers import blaming
from rtc.emission import AudioEmitType
from rtc.functions import takes_inputs
from rtc.own_pauses import AppState, OwnListener, OwnPauses
from rtc.replier import Replier, ReplyFunction
from rtc.reply import Reply
from rtc.silero import get_silero_model
from rtc.voice_activity import Listener, ModelOptions, PauseDetectionModel, listen

TURN_BEGINS = "rtc.turn.begin"
TURN_ENDS = "rtc.turn.end"
"""Marks that a client sends of its own: with `push_to_talk` they say when the user's turn begins and ends."""
RELEASE_S = 0.1
"""Audio that comes so shortly after `TURN_ENDS` still belongs to the turn: it was under way."""
SPARE_S = 2.0
"""How much audio is kept beyond the longest turn: what comes before it is noticed."""


class ReplyOnPause(OwnPauses):
    """Calls a function with what the user said, each time they pause, and plays what it returns or yields.

    `fn((sample_rate, samples), *inputs)` may be a function or a generator, sync or async. A sync one runs in a thread
    of its own. `samples` is int16 of shape (1, n) at `input_sample_rate`. If it takes more than the audio, the client
    is asked for input before each call. What it raises is logged and told to the client; the session goes on with the
    next turn.

    When the user speaks during a reply, it stops and the client drops what it has not played: the generator is closed,
    so that its `finally` runs. `get_current_reply()` tells it how much was heard. When they go on before any of it was
    heard, `fn` is called again with all that they have said.

    A subclass that overrides `determine_pause(audio, sampling_rate, state)` says itself when a turn is over, as in
    FastRTC (see `rtc.own_pauses`): then a reply is interrupted by the end of the next turn, not by its beginning.
    `reset()` follows each reply made to its end; `event` and `generator` are there for it to clear, and not used.

    Args:
        fn: makes replies.
        startup_fn: called once at the beginning, like `fn` but without audio, to greet.
        algo_options: when a turn begins and ends.
        model_options: what counts as speech.
        can_interrupt: False: while a reply is made or played, the user is not listened to.
        model: another voice activity model, with FastRTC's `vad()`.
        needs_args: `startup_fn` waits for the client's input even if `fn` takes none.
        interrupt_after_s: seconds of speech that stop a reply; None: `started_talking_threshold`.
        resume: hold a reply at first when it is interrupted, and go on where it was heard to when what interrupted it
            was no turn, since too short: see `SileroVadOptions.min_speech_duration_ms`.
        push_to_talk: the client says when a turn begins and ends, by the marks `rtc.turn.begin` and `rtc.turn.end`;
            speech is not looked for.

    Raises:
        ImproperlyConfigured: voice activity detection is not installed.
        ValueError: options that contradict each other.
    """

    def __init__(
        self,
        fn: ReplyFunction,
        startup_fn: ReplyFunction | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: ModelOptions | None = None,
        can_interrupt: bool = True,
        expected_layout: Literal["mono", "stereo"] = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        model: PauseDetectionModel | None = None,
        needs_args: bool = False,
        *,
        interrupt_after_s: float | None = None,
        resume: bool = False,
        push_to_talk: bool = False,
    ) -> None:
        super().__init__(expected_layout, output_sample_rate, output_frame_size, input_sample_rate)
        self.fn = fn
        self.startup_fn = startup_fn
        self.algo_options = algo_options or AlgoOptions()
        self.model_options = model_options
        self.can_interrupt = can_interrupt
        self.needs_args = needs_args
        self.push_to_talk = push_to_talk
        self.state = AppState()
        self.event = threading.Event()
        self.generator: Any = None
        self.model = model if model is not None or push_to_talk else get_silero_model()
        self.__interrupt_after_s, self.__resume = interrupt_after_s, resume
        self.__options = self.__read_options()  # those that contradict each other are told of here

    def __read_options(self) -> TurnOptions:
        """From the attributes, which may be set until the session starts.

        Raises: ValueError, for options that contradict each other.
        """
        return TurnOptions(
            algo=self.algo_options,
            vad=self.model_options if isinstance(self.model_options, SileroVadOptions) else SileroVadOptions(),
            can_interrupt=self.can_interrupt,
            interrupt_after_s=self.__interrupt_after_s,
            resume=self.__resume,
        )

    def bind(self, session: SessionHandle) -> None:
        super().bind(session)
        longest_s = conf.RTC_MAX_UTTERANCE_S
        self.__options = self.__read_options()
        self._turns = Turns(self.__options.limited(longest_s))
        self._recent = RecentAudio(round((longest_s + SPARE_S) * self.input_sample_rate))
        self._listener: Listener | None = None
        self._release: asyncio.TimerHandle | None = None
        self._unbound = False
        self._replier = Replier(
            self,
            keeps_unheard=self.__options.resume and self.can_interrupt,
            asks=lambda: self._needs_additional_inputs,
            audible=self._turns.audible,
            over=self._reply_over,
            replied=self._end_turn,
        )

    # What the driver calls --------------------------------------------------------------------------------------

    async def start_up(self) -> None:
        if self.finds_pauses_itself() and not self.push_to_talk:
            self._listener = OwnListener(
                self,
                conf.RTC_MAX_UTTERANCE_S,
                is_replying=lambda: self._replier.reply is not None,
                turn_over=self._reply_to,
            )
        elif self.model is not None and not self.push_to_talk:
            self._listener = listen(
                self.model, self.input_sample_rate, self.__options, self.model_options, self._measured
            )
        if self.startup_fn is not None:
            if self.needs_args:
                await self.wait_for_args()
            self._turns.replying()
            self._replier.begin(self.startup_fn, None)

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        samples = to_frame(frame[1])
        if isinstance(self._listener, OwnListener):
            if self.can_interrupt or self._replier.reply is None:
                self._listener.hear(samples)
                await self._listener.keep_up()
            return
        self._recent.add(samples)
        if self._listener is None:
            self._perform(self._turns.passed(self._position_s))
            self._recent.drop(int(self._turns.keep_from_s * self.input_sample_rate))
            return
        self._listener.hear(samples)
        if self._listener.is_behind:
            await self._listener.keep_up()

    async def emit(self) -> AudioEmitType:
        return await self._replier.next()

    async def shutdown(self) -> None:
        if self.channel is not None:
            await self._unbind()

    async def _unbind(self) -> None:
        if self._unbound:
            return
        self._unbound = True
        self._cancel_release()
        if self._listener is not None:
            self._listener.close()
        await self._replier.close()

    # What others call -------------------------------------------------------------------------------------------

    @property
    def _needs_additional_inputs(self) -> bool:
        """Whether replies get the client's inputs. FastRTC's name, which overrides of `copy` read."""
        return self.needs_args or takes_inputs(self.fn, 1)

    def trigger_response(self) -> None:
        """Reply now to what was said so far, if only to silence; from any thread. During a reply nothing happens."""
        self.bound_session.on_loop(self._trigger)

    def marked(self, name: str) -> None:
        if self.push_to_talk and name == TURN_BEGINS:
            self._cancel_release()
            self._perform(self._turns.begin(self._position_s))
        elif self.push_to_talk and name == TURN_ENDS:
            self._cancel_release()
            self._release = self.loop.call_later(RELEASE_S, self._released)
        elif self._replier.reply is not None:
            self._replier.reply.answered(name)

    def interrupted(self) -> None:
        """The client wants to hear no more of this reply."""
        if self._replier.reply is not None:
            events = self._turns.reply_over()
            self._replier.drop()
            self._perform(events)

    def replied(self, reply: Reply) -> None:
        """A reply was heard to its end, or stopped: `reply` says how far it got. Override it; it must not block."""

    def _cancel_release(self) -> None:
        if self._release is not None:
            self._release.cancel()

    def _released(self) -> None:
        if self._turns.state in (State.TALKING, State.TALKING_ON):  # else it was pressed in a reply that goes on
            self._trigger()

    @property
    def _position_s(self) -> float:
        return self._recent.end / self.input_sample_rate

    # Turns ------------------------------------------------------------------------------------------------------

    def _trigger(self) -> None:
        if isinstance(self._listener, OwnListener):
            if self._replier.reply is None:
                self._listener.end_turn()
            return
        self._perform(self._turns.trigger(self._position_s))

    def _measured(self, measure: Measure) -> None:
        events = self._turns.measured(measure)
        if events:
            self._perform(events)
        self._recent.drop(int(self._turns.keep_from_s * self.input_sample_rate))

    def _perform(self, events: TurnEvents) -> None:
        for event in events:
            _STEPS[type(event)](self, event)

    def _started_talking(self, event: StartedTalking) -> None:
        self.bound_session.send_message(Log(text="started_talking"))

    def _turn_over(self, event: TurnOver) -> None:
        rate = self.input_sample_rate
        said = self._recent.cut(round(event.begin_s * rate), round(event.end_s * rate))
        self._reply_to(said)

    def _reply_to(self, said: NDArray[np.int16]) -> None:
        self._replier.drop()
        self.bound_session.send_message(Log(text="pause_detected"))
        self._replier.begin(self.fn, (self.input_sample_rate, said.reshape(1, -1)))

    def _interrupted(self, event: Interrupted) -> None:
        self._replier.drop(turn_goes_on=event.going_on)

    def _held(self, event: Held) -> None:
        self._replier.hold()

    def _resumed(self, event: Resumed) -> None:
        self._replier.resume()

    def _end_turn(self, reply: Reply) -> None:
        if reply.turn is not None:
            self.bound_session.turn_finished(reply.figures())
            reply.turn = None
        try:
            with blaming("replied"):
                if callable(self.replied):  # a handler may have a flag of that name
                    self.replied(reply)
        except HandlerError as error:
            self._replier.survived(error)

    def _reply_over(self) -> None:
        self._perform(self._turns.reply_over())


_STEPS: dict[type, Callable[[ReplyOnPause, Any], None]] = {
    StartedTalking: ReplyOnPause._started_talking,
    TurnOver: ReplyOnPause._turn_over,
    Interrupted: ReplyOnPause._interrupted,
    Held: ReplyOnPause._held,
    Resumed: ReplyOnPause._resumed,
}
