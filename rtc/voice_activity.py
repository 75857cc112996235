"""Listens for speech in many sessions at once: one inference a tick, in one thread, for all windows that are due."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rtc.core.speech import Measure, SpeechMeter
from rtc.core.turn_options import TurnOptions
from rtc.core.windows import Windows
from rtc.silero import ModelState, SileroModel
from rtc.wakeup import Wakeup

ModelOptions: TypeAlias = Any

TICK_S = 0.008
"""Windows that come less than this after the last inference began go into the next one together."""
MOST_DUE = 128
"""How many windows of one session, 4 s of audio, may wait to be judged before it takes in no more; then its intake
fills up, which drops the oldest and counts it."""
LOOKS_A_CHUNK = 4
"""How often a model that judges whole chunks is asked, in the time that one lasts."""

run_inline: ContextVar[bool] = ContextVar("run_inline", default=False)
"""True: windows are judged on the event loop itself, so that in virtual time the same happens each time."""


class PauseDetectionModel(Protocol):
    """Any other model, of FastRTC's shape."""

    def vad(self, audio: tuple[int, NDArray[Any]], options: ModelOptions) -> tuple[float, list[Any]]:
        """How many seconds of the audio, `(sample_rate, int16 of shape (n,))`, are speech, and where. It is called in
        a thread that all sessions share.
        """

    def warmup(self) -> None: ...


class Listener(Protocol):
    """Takes one session's audio, and tells what was measured in it."""

    def hear(self, samples: NDArray[np.int16]) -> None:
        """int16 of shape (n,)."""

    @property
    def is_behind(self) -> bool:
        """Whether too much has not been judged, or the model failed."""

    async def keep_up(self) -> None:
        """Wait until it is not. Raises: what the model failed with."""

    def close(self) -> None: ...


Measured = Callable[[Measure], None]


def listen(
    model: "PauseDetectionModel", sample_rate: int, options: TurnOptions, model_options: Any, measured: Measured
) -> Listener:
    """A listener on the running loop, which calls `measured` there."""
    if isinstance(model, SileroModel):
        return WindowListener(_rounds_of(model), sample_rate, options, measured)
    return ChunkListener(model, sample_rate, options.algo.audio_chunk_duration, model_options, measured)


class WindowListener:
    """Has each window judged in turn."""

    def __init__(self, rounds: "Rounds", sample_rate: int, options: TurnOptions, measured: Measured) -> None:
        self.state = ModelState()
        self.due: deque[NDArray[np.int16]] = deque()
        self._rounds = rounds
        self._windows = Windows(sample_rate)
        self._meter = SpeechMeter(options.vad, options.algo.audio_chunk_duration, options.onset_span_s)
        self._measured = measured
        self._error: BaseException | None = None
        self._judged = Wakeup()
        self._closed = False

    def hear(self, samples: NDArray[np.int16]) -> None:
        for window in self._windows.add(samples):
            self.due.append(window)
            self._rounds.add(self)

    @property
    def is_behind(self) -> bool:
        return len(self.due) >= MOST_DUE or self._error is not None

    async def keep_up(self) -> None:
        while len(self.due) >= MOST_DUE and self._error is None:
            await self._judged.wait()
        if self._error is not None:
            raise self._error

    def judged(self, probability: float, power: float) -> None:
        self._judged.set()
        if not self._closed:
            self._measured(self._meter.add(probability, power))

    def failed(self, error: BaseException) -> None:
        self._error = error
        self._judged.set()

    def close(self) -> None:
        self._closed = True
        self.due.clear()


class Rounds:
    """The inferences of one event loop, one after the other: each takes the oldest window of every session that has
    one due.
    """

    def __init__(self, model: SileroModel, inline: bool) -> None:
        self._model = model
        self._inline = inline
        self._waiting: dict[WindowListener, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self._last = float("-inf")

    def add(self, listener: WindowListener) -> None:
        """The listener has a window due."""
        self._waiting[listener] = None
        self._plan()

    def _plan(self) -> None:
        if self._waiting and self._timer is None and not self._running:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._last + TICK_S, loop.time()), self._begin)

    def _begin(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()  # not kept: the table of all rounds would keep it in turn
        self._last = loop.time()
        listeners = [listener for listener in self._waiting if listener.due]
        self._waiting.clear()
        if not listeners:
            return
        windows = [listener.due.popleft() for listener in listeners]
        states = [listener.state for listener in listeners]
        if self._inline:
            self._tell(listeners, self._model.judge(windows, states))
            return
        self._running = True
        future = loop.run_in_executor(vad_thread(), self._model.judge, windows, states)
        future.add_done_callback(lambda done: self._finish(listeners, done))

    def _finish(self, listeners: list[WindowListener], done: "asyncio.Future[list[tuple[float, float]]]") -> None:
        self._running = False
        if done.cancelled():  # the loop is closing
            return
        error = done.exception()
        if error is None:
            self._tell(listeners, done.result())
            return
        for listener in listeners:
            listener.failed(error)

    def _tell(self, listeners: list[WindowListener], judgements: list[tuple[float, float]]) -> None:
        for listener, (probability, power) in zip(listeners, judgements, strict=True):
            if listener.due:
                self._waiting[listener] = None
            listener.judged(probability, power)
        self._plan()


class ChunkListener:
    """Asks a model that judges chunks of audio, several times a chunk; what it is too slow for is left out."""

    def __init__(
        self, model: PauseDetectionModel, sample_rate: int, chunk_s: float, options: Any, measured: Measured
    ) -> None:
        self._model = model
        self._sample_rate = sample_rate
        self._chunk_s = chunk_s
        self._chunk = round(chunk_s * sample_rate)
        self._options = options
        self._measured = measured
        self._loop = asyncio.get_running_loop()
        self._inline = run_inline.get()
        self._latest = np.zeros(0, np.int16)
        self._end = 0
        self._looked = 0
        self._measured_to_s = 0.0
        self._running = False
        self._error: BaseException | None = None
        self._closed = False

    def hear(self, samples: NDArray[np.int16]) -> None:
        self._latest = np.concatenate((self._latest, samples))[-self._chunk :]
        self._end += samples.size
        is_due = self._end - self._looked >= self._chunk // LOOKS_A_CHUNK and self._latest.size == self._chunk
        if is_due and not self._running:
            self._look()

    @property
    def is_behind(self) -> bool:
        return self._error is not None

    async def keep_up(self) -> None:
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self._closed = True

    def _look(self) -> None:
        self._looked = self._end
        end_s = self._end / self._sample_rate
        chunk = self._sample_rate, self._latest
        if self._inline:
            self._tell(self._model.vad(chunk, self._options)[0], end_s)
            return
        self._running = True
        future = self._loop.run_in_executor(vad_thread(), self._model.vad, chunk, self._options)
        future.add_done_callback(lambda done: self._finish(done, end_s))

    def _finish(self, done: "asyncio.Future[tuple[float, list[Any]]]", end_s: float) -> None:
        self._running = False
        if done.cancelled():  # the loop is closing
            return
        self._error = done.exception()
        if self._error is None and not self._closed:
            self._tell(done.result()[0], end_s)

    def _tell(self, speech_s: float, end_s: float) -> None:
        begin_s, self._measured_to_s = self._measured_to_s, end_s
        if speech_s > 0:  # it may have begun anywhere in the chunk
            begin_s = max(0.0, min(begin_s, end_s - self._chunk_s))
        self._measured(
            Measure(
                begin_s=begin_s,
                end_s=end_s,
                speaking=speech_s > 0,
                speech_s=speech_s,
                onset_s=speech_s,
            )
        )


@lru_cache
def vad_thread() -> ThreadPoolExecutor:
    """The one thread of the process that runs models."""
    return ThreadPoolExecutor(1, thread_name_prefix="rtc-vad")


_rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[SileroModel, Rounds]] = WeakKeyDictionary()


def _rounds_of(model: SileroModel) -> Rounds:
    of_loop = _rounds.setdefault(asyncio.get_running_loop(), {})
    if model not in of_loop:
        of_loop[model] = Rounds(model, run_inline.get())
    return of_loop[model]
