"""Turn taking of a handler's own: what FastRTC has a subclass of `ReplyOnPause` override, and how it is called."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtc.core.messages import Log
from rtc.core.turn_options import AlgoOptions
from rtc.drivers import refuse_coroutine
from rtc.handlers import AsyncStreamHandler
from rtc.own_thread import OwnThread
from rtc.voice_activity import ModelOptions, PauseDetectionModel

Samples = NDArray[Any]


@dataclass
class AppState:
    """What `determine_pause` goes by, and leaves behind. A new one begins with each turn.

    Args:
        stream: the turn so far, of shape (n,): what the reply function gets.
        buffer: what was not looked at yet, of shape (n,); whoever has looked at it sets it to None.
        sampling_rate: Hz of both.
        started_talking: whether the turn has begun.
        pause_detected: whether it is over.
        responding: whether a reply is made or played.
        stopped, responded_audio, interrupted: there for handlers that look at them; not used.
    """

    stream: Samples | None = None
    sampling_rate: int = 0
    pause_detected: bool = False
    started_talking: bool = False
    responding: bool = False
    stopped: bool = False
    buffer: Samples | None = None
    responded_audio: bool = False
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)

    def new(self) -> "AppState":
        return AppState()


class OwnPauses(AsyncStreamHandler):
    """For a handler that overrides `determine_pause` or `process_audio`. Both are called in a thread of the session's
    own, where they may block, frame by frame. What they do without an override is FastRTC's way: the model is asked
    once for each `audio_chunk_duration`.
    """

    algo_options: AlgoOptions
    model: PauseDetectionModel | None
    model_options: ModelOptions
    state: AppState

    def process_audio(self, audio: tuple[int, Samples], state: AppState) -> None:
        """Take one frame, `(sample_rate, int16 of shape (1, n))`: put it into `state.buffer`, and set
        `state.pause_detected` to what `determine_pause` says.
        """
        sample_rate, samples = audio
        state.sampling_rate = sample_rate
        samples = samples.reshape(-1)
        state.buffer = samples if state.buffer is None else np.concatenate((state.buffer, samples))
        state.pause_detected = self.determine_pause(state.buffer, sample_rate, state)

    def determine_pause(self, audio: Samples, sampling_rate: int, state: AppState) -> bool:
        """Whether the user's turn is over.

        Args:
            audio: `state.buffer`, of shape (n,).
        """
        algo = self.algo_options
        if audio.size < algo.audio_chunk_duration * sampling_rate:
            return False
        state.buffer = None
        speech_s = 0.0 if self.model is None else self.model.vad((sampling_rate, audio), self.model_options)[0]
        if not state.started_talking and speech_s > algo.started_talking_threshold:
            state.started_talking = True
            self.bound_session.send_message(Log(text="started_talking"))
        if not state.started_talking:
            return False
        state.stream = audio if state.stream is None else np.concatenate((state.stream, audio))
        return speech_s < algo.speech_threshold or state.stream.size >= algo.max_continuous_speech_s * sampling_rate

    @classmethod
    def finds_pauses_itself(cls) -> bool:
        """Whether one of the two is overridden."""
        return cls.determine_pause is not OwnPauses.determine_pause or cls.process_audio is not OwnPauses.process_audio


class OwnListener:
    """The `rtc.voice_activity.Listener` of a handler that finds pauses itself.

    Args:
        longest_s: a turn that gets as long is over, whatever the handler says; and no more than that is kept of what it
            has not looked at.
        is_replying: whether a reply is made or played.
        turn_over: called on the event loop with what was said, of shape (n,).
    """

    def __init__(
        self,
        handler: OwnPauses,
        longest_s: float,
        *,
        is_replying: Callable[[], bool],
        turn_over: Callable[[Samples], None],
    ) -> None:
        self._handler = handler
        self._rate = handler.input_sample_rate
        self._longest = round(longest_s * self._rate)
        self._is_replying = is_replying
        self._turn_over = turn_over
        self._frames: deque[Samples] = deque()
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._thread = OwnThread("determine_pause")

    def hear(self, samples: NDArray[np.int16]) -> None:
        self._frames.append(samples)

    @property
    def is_behind(self) -> bool:
        return bool(self._frames)

    async def keep_up(self) -> None:
        while self._frames:
            state = self._handler.state
            state.responding = self._is_replying()
            frame = self._rate, self._frames.popleft()[np.newaxis]
            await self._loop.run_in_executor(self._thread, self._context.run, self._process, frame, state)
            if state.pause_detected and state is self._handler.state:
                self.end_turn()

    def end_turn(self) -> None:
        """Hand over what there is of the turn."""
        state = self._handler.state
        self._handler.state = state.new()
        self._turn_over(np.zeros(0, np.int16) if state.stream is None else state.stream)

    def close(self) -> None:
        self._frames.clear()
        self._thread.shutdown()

    def _process(self, frame: tuple[int, Samples], state: AppState) -> None:
        refuse_coroutine("process_audio", self._handler.process_audio(frame, state))  # type: ignore[func-returns-value]
        refuse_coroutine("determine_pause", state.pause_detected)
        if state.stream is not None and state.stream.size >= self._longest:
            state.pause_detected = True
        if state.buffer is not None:
            state.buffer = state.buffer[-self._longest :]
