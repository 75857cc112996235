"""One reply to one turn: what was emitted of it, and how much of that was heard."""

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtc.context import SessionHandle
from rtc.generation import Generation

Int16Samples = NDArray[np.int16]
Frame = tuple[int, Int16Samples]

_ROUNDING_S = 0.001


class Reply:
    """What the running reply function may know of its reply: see `get_current_reply`.

    Times are seconds of the reply's audio. What was heard is what the server has paced out, or with marks, once the
    client has answered one, what the client says it has played. All of a reply may have been made long before it is
    heard: what was heard in the end is there in `ReplyOnPause.replied`, and in the next reply's `previous`.

    Args:
        fn: makes it.
        turn: the audio that it replies to, `(sample_rate, int16 of shape (1, n))`; None for a greeting.
        began: when it was asked for, on the loop's clock.
        keeps_unheard: whether audio is kept until it is heard, so that `hold` can take it back.
    """

    def __init__(
        self,
        session: SessionHandle,
        fn: Callable[..., Any],
        turn: Frame | None,
        *,
        began: float,
        keeps_unheard: bool = False,
    ) -> None:
        self.fn = fn
        self.turn = turn
        self.said_s = 0.0 if turn is None else turn[1].size / turn[0]
        self.previous: Reply | None = None
        self.began = began
        self.generation: Generation | None = None
        self.pending: deque[Any] = deque()
        self.emitted_s = 0.0
        self.is_over = False
        self.first_audio: float | None = None
        self.interrupted = False
        self.failed = False
        self.made = False
        self.held = False
        self._session = session
        self._keeps_unheard = keeps_unheard
        self._unheard: deque[tuple[float, Frame]] = deque()
        self._marks: list[tuple[float, str]] = []
        self._taken_back: deque[tuple[float, str]] = deque()
        self._answered: set[str] = set()
        self._heard_s: float | None = None
        self._leaving_s = 0.0

    @property
    def heard_s(self) -> float:
        """How much of its audio was heard; once it was interrupted, until then."""
        if self._heard_s is not None:
            return self._heard_s
        return max(0.0, self.emitted_s - self._session.unplayed_s())

    def mark(self, name: str) -> None:
        """Mark the place behind the audio yielded so far; once heard, the name is in `heard_marks`."""
        self._marks.append((self.emitted_s, name))
        self._session.mark(name)

    @property
    def heard_marks(self) -> list[str]:
        """The names of the marks that were got to, in order."""
        if self._answered and (self.interrupted or not self.is_over):
            return [name for _, name in self._marks if name in self._answered]
        heard_s = self.heard_s + _ROUNDING_S
        return [name for position_s, name in self._marks if position_s <= heard_s]

    def answered(self, name: str) -> None:
        """The client has got to a mark; or has dropped it, and then it was not heard yet."""
        heard_s = self.heard_s + _ROUNDING_S
        if any(position_s <= heard_s for position_s, marked in self._marks if marked == name):
            self._answered.add(name)

    def emitting(self, frame: Frame) -> None:
        """A frame is about to be sent."""
        if self._keeps_unheard:
            self._unheard.append((self.emitted_s, (frame[0], frame[1].copy())))  # its function may use the array again
            heard_s = self.heard_s
            while len(self._unheard) > 1 and self._unheard[1][0] <= heard_s:
                self._unheard.popleft()
        self._leaving_s = frame[1].size / frame[0]

    def left(self) -> None:
        """The frame before is queued, or sent: it may have waited for room until now."""
        self.emitted_s += self._leaving_s
        self._leaving_s = 0.0
        while self._taken_back and self._taken_back[0][0] <= self.emitted_s + _ROUNDING_S:
            self._session.mark(self._taken_back.popleft()[1])

    def interrupt(self) -> None:
        """It is heard no further, and made no further. Call it before what is queued is dropped."""
        self._heard_s = self.heard_s
        self.interrupted = True
        self.stop()

    def release(self) -> None:
        """It is over: keep its figures, not its audio."""
        self.is_over = True
        self.previous = None
        self.pending.clear()
        self._unheard.clear()
        self._taken_back.clear()

    def stop(self) -> None:
        if self.generation is not None:
            self.generation.stop()

    def hold(self) -> None:
        """Take back what was not heard yet, to be sent again. Call it before what is queued is dropped."""
        heard_s = self.heard_s
        rest: list[Any] = []
        for position_s, (rate, samples) in self._unheard:
            unheard = samples[max(0, round((heard_s - position_s) * rate)) :]
            if unheard.size:
                rest.append((rate, unheard))
        self._unheard.clear()
        self.pending.extendleft(reversed(rest))
        self.emitted_s = heard_s
        self._leaving_s = 0.0
        self._taken_back = deque(mark for mark in self._marks if mark[0] > heard_s)
        self.held = True
        self.made = False

    def figures(self) -> dict[str, Any]:
        """What `turn_finished` is told."""
        delay_s = None if self.first_audio is None else round(self.first_audio - self.began, 3)
        return {
            "said_s": round(self.said_s, 3),
            "delay_s": delay_s,
            "reply_s": round(self.emitted_s, 3),
            "heard_s": round(self.heard_s, 3),
            "interrupted": self.interrupted,
            "failed": self.failed,
        }


current_reply: ContextVar[Reply | None] = ContextVar("current_reply", default=None)


def get_current_reply() -> Reply:
    """The reply that is being made: call it in a reply function.

    Raises:
        RuntimeError: anywhere else.
    """
    reply = current_reply.get()
    if reply is None:
        raise RuntimeError("no reply is made here")
    return reply
