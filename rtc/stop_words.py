"""`ReplyOnStopWords`: waits for a word, and replies to what is said after it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from django.core.exceptions import ImproperlyConfigured
from numpy.typing import NDArray

from rtc.context import SessionHandle
from rtc.core.exceptions import HandlerError
from rtc.core.messages import Error, StopWord
from rtc.core.speech import Measure
from rtc.core.speech_pieces import quietest
from rtc.core.stop_words import Look, Looks, StopWords, WordEnd
from rtc.core.turn_options import AlgoOptions
from rtc.core.turns import State
from rtc.drivers import blaming
from rtc.extras import require_extra
from rtc.functions import is_async
from rtc.replier import ReplyFunction
from rtc.replies import ReplyOnPause
from rtc.speech import STTModel, get_stt_model
from rtc.threads import blaming_thread
from rtc.voice_activity import ModelOptions, PauseDetectionModel

logger = logging.getLogger(__name__)

KEPT_S = 6.0
"""How much audio is kept while no stop word was heard: that of a look, and what comes while it is written down."""
PRECISION_S = 0.1
"""How closely the end of a stop word is looked for."""
SPREAD_S = 0.4
"""The first word after it begins so long before it is recognised, at most."""
TAIL_S = 0.2
"""How much of a stop word may still be to come when it is recognised."""
QUIET_S = 0.03
"""Between words it is quiet for so long, or at least quieter than within them."""
THREADS = 2
"""How many looks of all sessions are written down at a time."""

Audio = tuple[int, NDArray[np.int16]]
WriteDown = Callable[[Audio], str | Awaitable[str]]


class ReplyOnStopWords(ReplyOnPause):
    """Listens until it hears a stop word, tells the client with a `stopword` message, and then takes one turn as
    `ReplyOnPause` does: what is said after the word, up to the pause. A stop word heard during a reply interrupts it,
    unless `can_interrupt` is False; nothing else does.

    Args:
        stop_words: words and phrases; case and punctuation don't matter.
        stt: writes down what is said: a model with FastRTC's `stt()`, or a function of `(sample_rate, int16 of shape
            (1, n))`, sync (called in a thread) or async. None: `get_stt_model()`. What it raises is logged and told to
            the client, once a session.
        **others: see `ReplyOnPause`.

    Raises:
        ImproperlyConfigured: the extra `stopword` is not installed, or a subclass overrides `determine_pause` or
            `process_audio`, which would leave no stop word to be heard.
        ValueError: there is no stop word.
    """

    def __init__(
        self,
        fn: ReplyFunction,
        stop_words: Sequence[str],
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
        stt: STTModel | WriteDown | None = None,
    ) -> None:
        super().__init__(
            fn,
            startup_fn,
            algo_options,
            model_options,
            can_interrupt,
            expected_layout,
            output_sample_rate,
            output_frame_size,
            input_sample_rate,
            model,
            needs_args,
        )
        if self.finds_pauses_itself():
            raise ImproperlyConfigured(f"{type(self).__name__} finds pauses itself: no stop word would be heard.")
        if isinstance(stop_words, str):
            raise ValueError("stop_words is a list of words or phrases, not one of them")
        self.stop_words = list(stop_words)
        self._stop_words = StopWords(stop_words)
        self._write_down = _function_of(stt)

    def bind(self, session: SessionHandle) -> None:
        super().bind(session)
        self._looks = Looks()
        self._unheeded: deque[Measure] = deque()
        self._looking: asyncio.Task[None] | None = None
        self._next_look: Look | None = None
        self._heeds = False
        self._word_end: WordEnd | None = None
        self._talked = False
        self._told_of_failure = False

    def stop_word_detected(self, text: str) -> bool:
        """Whether one of the stop words is in the text. Override it to go by more than that; it is called where `stt`
        is: in a thread, or on the loop if that is async.
        """
        return self._stop_words.are_in(text)

    async def _unbind(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await super()._unbind()

    def _measured(self, measure: Measure) -> None:
        if self._heeds and self._talked and self._turns.state in (State.LISTENING, State.REPLYING):
            self._heeds = False
            self._looks = Looks()
        if not self._heeds:
            self._listen(measure)
        elif self._word_end is None or self._is_over(self._word_end, measure):
            super()._measured(measure)
            self._talked = self._talked or self._turns.state is State.TALKING

    def _is_over(self, word: WordEnd, measure: Measure) -> bool:
        """Whether what is measured can't be the stop word any more."""
        if measure.begin_s < word.speech_from_s:
            return False
        if measure.speaking and measure.end_s <= word.speech_from_s + word.tail_s:
            return False
        self._turns.skip(word.after_s if measure.speaking or not word.tail_s else measure.begin_s)
        self._word_end = None
        return True

    def _listen(self, measure: Measure) -> None:
        """For a stop word; what is said is no turn."""
        self._recent.drop(int((measure.end_s - KEPT_S) * self.input_sample_rate))
        self._unheeded.append(measure)
        while measure.end_s - self._unheeded[0].begin_s > KEPT_S:
            self._unheeded.popleft()
        if not self.can_interrupt and self._turns.state is not State.LISTENING:
            self._looks = Looks()
            return
        look = self._looks.heard(measure.begin_s, measure.end_s, speaking=measure.speaking)
        if look is None:
            return
        if self._looking is not None and not self._looking.done():
            # What is slow to be written down is looked at in fewer, larger steps.
            self._next_look = look if self._next_look is None else look.after(self._next_look)
        else:
            self._looking = self.loop.create_task(self._look(look))

    async def _look(self, first: Look) -> None:
        look: Look | None = first
        while look is not None:
            try:
                word = await self._find(look)
            except HandlerError as error:
                self._tell_of_failure(error)
                word = None
            if word is not None:
                self._next_look = None
                self._heed(word)
            look, self._next_look = self._next_look, None

    async def _find(self, look: Look) -> WordEnd | None:
        """Where the last stop word in it ends; None when there is none."""
        words_after = await self._words_after(look.begin_s, look.end_s)
        if words_after is None:
            return None
        self.bound_session.send_message(StopWord())
        if not words_after:
            after_s = self._quietest(look.end_s - TAIL_S, look.end_s)
            return WordEnd(after_s=after_s, speech_from_s=look.end_s, tail_s=TAIL_S)
        first_s, last_s = look.new_s, look.end_s
        while last_s - first_s > PRECISION_S:
            middle_s = (first_s + last_s) / 2
            if await self._words_after(look.begin_s, middle_s):
                last_s = middle_s
            else:
                first_s = middle_s
        after_s = self._quietest(max(look.new_s, last_s - SPREAD_S), last_s)
        return WordEnd(after_s=after_s, speech_from_s=after_s, tail_s=0.0)

    async def _words_after(self, begin_s: float, end_s: float) -> int | None:
        audio = self.input_sample_rate, self._cut(begin_s, end_s)[np.newaxis]
        if not is_async(self._write_down):
            return await self.loop.run_in_executor(_threads(), self._words_heard, audio)
        with blaming("stt"):
            writing: Any = self._write_down(audio)
            text = await writing
        return self._words_in(text)

    def _words_heard(self, audio: tuple[int, NDArray[np.int16]]) -> int | None:
        with blaming_thread("stt"):
            text: Any = self._write_down(audio)
        return self._words_in(text)

    def _words_in(self, text: str) -> int | None:
        with blaming_thread("stop_word_detected"):
            return (self._stop_words.words_after(text) or 0) if self.stop_word_detected(text) else None

    def _quietest(self, begin_s: float, end_s: float) -> float:
        width = round(QUIET_S * self.input_sample_rate)
        samples = self._cut(begin_s, end_s)
        if samples.size <= width:
            return end_s
        return begin_s + quietest(samples, width) / self.input_sample_rate

    def _cut(self, begin_s: float, end_s: float) -> NDArray[np.int16]:
        rate = self.input_sample_rate
        return self._recent.cut(round(begin_s * rate), round(end_s * rate))

    def _heed(self, word: WordEnd) -> None:
        """What is said after it is a turn; that it was written down took a while, and none of it is lost."""
        if self._turns.state is not State.LISTENING:
            self._replier.drop()
            self._reply_over()
        self._heeds, self._talked = True, False
        self._word_end = word
        unheeded, self._unheeded = self._unheeded, deque()
        for measure in unheeded:
            self._measured(measure)

    def _tell_of_failure(self, error: HandlerError) -> None:
        logger.error("session %s goes on, but %s", self.bound_session.id, error, exc_info=error.__cause__ or error)
        if not self._told_of_failure:
            self._told_of_failure = True
            self.bound_session.send_message(Error(code="stt_failed", text="Stop words can't be heard just now."))


def _function_of(stt: STTModel | WriteDown | None) -> WriteDown:
    if stt is None:
        require_extra("moonshine_voice", extra="stopword", feature="Listening for stop words without stt=")
        return lambda audio: get_stt_model().stt(audio)  # loaded when it is needed
    return stt if callable(stt) else stt.stt


@lru_cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="rtc-stt")
