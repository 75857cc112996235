"""One session's life, as a table: events in, effects out.

    CONNECTED --start--> ADMITTING --admitted--> ACTIVE --finish--> CLOSING --played out--> ENDED
        any state but ENDED --stop, disconnect, refusal, failure, limit--> ENDED

The shell (a consumer) feeds in what the client sent and what its own side found out, and carries out the effects in
order. Nothing here reads a clock or does I/O: `now` is an argument, in seconds of any monotonic clock.

What a *client* does at the wrong time is the client's error: it is answered with an `error` message and the session
goes on, until more than `error_limit` such errors within `error_window_s` seconds end it. What *we* do at the wrong
time is a bug and raises `InvalidState`. Once ended, everything is ignored: frames may still be under way then.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from rtc.core.effects import Admit, Close, Deliver, Effects, Interrupt, Marked, PlayOut, Reply, Run
from rtc.core.events import (
    Admitted,
    Binary,
    Broken,
    Disconnected,
    Event,
    Expire,
    Finish,
    Junk,
    NotAdmitted,
    PlayedOut,
)
from rtc.core.exceptions import InvalidState
from rtc.core.formats import Framing, MediaFormat
from rtc.core.messages import (
    MAX_AUDIO_BYTES,
    TOO_BIG,
    Clear,
    End,
    Error,
    Failed,
    Mark,
    Media,
    Ping,
    Pong,
    Start,
    Started,
    Stop,
)

DONE = 1000
PROTOCOL_ERROR = 4400
TIMED_OUT = 4408
HANDLER_FAILED = 4500
COME_AGAIN = 4503


class State(Enum):
    CONNECTED = "connected"
    """The socket is open; no `start` yet."""
    ADMITTING = "admitting"
    """`start` was well formed; limits and permission are being looked up. Audio is kept."""
    ACTIVE = "active"
    """The handler runs."""
    CLOSING = "closing"
    """No more audio is taken in; what is queued is played out."""
    ENDED = "ended"


class Session:
    """The state of one session.

    Args:
        error_limit: how many client errors within `error_window_s` seconds are forgiven.
        max_audio_bytes: the largest binary frame.
    """

    def __init__(
        self, *, error_limit: int = 20, error_window_s: float = 10.0, max_audio_bytes: int = MAX_AUDIO_BYTES
    ) -> None:
        self.state = State.CONNECTED
        self.id = ""
        self.media_format: MediaFormat | None = None
        self.error_count = 0
        self._error_window_s = error_window_s
        self._max_audio_bytes = max_audio_bytes
        self._sample_bytes = 1
        self._error_times: deque[float] = deque(maxlen=error_limit + 1)
        self._finish = Finish(reason="done")

    def handle(self, event: Event, now: float) -> Effects:
        """Take one event.

        Args:
            now: seconds of a monotonic clock.
        Raises:
            InvalidState: for an event of our own side that can't happen in this state.
        """
        step = _TABLE.get((self.state, type(event)))
        if step is not None:
            return step(self, event, now)
        if self.state is State.ENDED:
            return ()
        raise InvalidState(type(event).__name__, self.state.value)

    def takes(self, payload: bytes) -> bool:
        """Whether `handle(Media(payload))` would do nothing but deliver it: so it need not be asked for every frame."""
        return self.state is State.ACTIVE and not len(payload) % self._sample_bytes

    def takes_binary(self, payload: bytes) -> bool:
        """The same for `handle(Binary(payload))`."""
        return (
            self.media_format is not None
            and self.media_format.framing is Framing.BINARY
            and len(payload) <= self._max_audio_bytes
            and self.takes(payload)
        )

    # Steps: what a table cell does ---------------------------------------------------------------------------

    def _start(self, event: Start, now: float) -> Effects:
        self.state = State.ADMITTING
        self.id = event.session_id
        self.media_format = event.media_format
        if event.media_format is not None:
            self._sample_bytes = event.media_format.encoding.bytes_per_sample
        return (Admit(event),)

    def _admitted(self, event: Admitted, now: float) -> Effects:
        self.state = State.ACTIVE
        if self.media_format is None:
            return (Run(),)
        return Reply(Started(session_id=self.id, media_format=self.media_format, output=self.media_format)), Run()

    def _not_admitted(self, event: NotAdmitted, now: float) -> Effects:
        refusal = event.refusal
        failed = Reply(Failed(reason=refusal.reason, limit=refusal.limit))
        return failed, *self._end(refusal.reason, refusal.close_code, refusal.text)

    def _media(self, event: Media | Binary, now: float) -> Effects:
        if len(event.payload) % self._sample_bytes:
            return self._error("bad_length", "the audio ends in the middle of a sample", now)
        return (Deliver(event.payload),)

    def _binary(self, event: Binary, now: float) -> Effects:
        if len(event.payload) > self._max_audio_bytes:
            return self._too_big()
        if self.media_format is None or self.media_format.framing is not Framing.BINARY:
            return self._error("unexpected_binary", "binary frames were not agreed in start", now)
        return self._media(event, now)

    def _early_media(self, event: Media | Binary, now: float) -> Effects:
        if len(event.payload) > self._max_audio_bytes:
            return self._too_big()
        return self._error("not_started", "audio came before start", now)

    def _late_binary(self, event: Binary, now: float) -> Effects:
        return self._too_big() if len(event.payload) > self._max_audio_bytes else ()

    def _early_mark(self, event: Mark, now: float) -> Effects:
        return self._error("not_started", "a mark came before start", now)

    def _second_start(self, event: Start, now: float) -> Effects:
        return self._error("already_started", "this socket has a session already", now)

    def _ping(self, event: Ping, now: float) -> Effects:
        return (Reply(Pong()),)

    def _mark(self, event: Mark, now: float) -> Effects:
        return (Marked(event.name),)

    def _interrupt(self, event: Clear, now: float) -> Effects:
        return (Interrupt(),)

    def _stop(self, event: Stop, now: float) -> Effects:
        return self._end("client_stop", DONE)

    def _junk(self, event: Junk, now: float) -> Effects:
        error = event.error
        if error.close_code is not None:
            return Reply(Error(code=error.code, text=error.detail)), *self._end(error.code, error.close_code)
        return self._error(error.code, error.detail, now)

    def _play_out(self, event: Finish, now: float) -> Effects:
        self.state = State.CLOSING
        self._finish = event
        return (PlayOut(),)

    def _played_out(self, event: PlayedOut, now: float) -> Effects:
        return self._end(self._finish.reason, DONE, self._finish.text)

    def _broken(self, event: Broken, now: float) -> Effects:
        return Reply(Error(code="handler_failed", text=event.text)), *self._end("handler_failed", HANDLER_FAILED)

    def _expire(self, event: Expire, now: float) -> Effects:
        return self._end(event.reason, event.close_code, event.text)

    def _disconnected(self, event: Disconnected, now: float) -> Effects:
        self.state = State.ENDED
        return (Close("client_gone", None),)

    def _nothing(self, event: Any, now: float) -> Effects:
        return ()

    # ---------------------------------------------------------------------------------------------------------

    def _end(self, reason: str, close_code: int, text: str = "") -> Effects:
        self.state = State.ENDED
        return Reply(End(reason=reason, text=text)), Close(reason, close_code)

    def _too_big(self) -> Effects:
        text = f"a frame holds at most {self._max_audio_bytes} bytes of audio"
        return Reply(Error(code="too_big", text=text)), *self._end("too_big", TOO_BIG)

    def _error(self, code: str, text: str, now: float) -> Effects:
        self.error_count += 1
        times = self._error_times
        times.append(now)
        reply = Reply(Error(code=code, text=text))
        if len(times) == times.maxlen and now - times[0] <= self._error_window_s:
            return reply, *self._end("too_many_errors", PROTOCOL_ERROR)
        return (reply,)


_Step = Callable[[Session, Any, float], Effects]
_OPEN: dict[type, _Step] = {
    Ping: Session._ping,
    Stop: Session._stop,
    Clear: Session._nothing,
    Junk: Session._junk,
    Expire: Session._expire,
    Disconnected: Session._disconnected,
}
_STARTED: dict[type, _Step] = {
    **_OPEN,
    Start: Session._second_start,
    Media: Session._media,
    Binary: Session._binary,
    Mark: Session._mark,
}
_ROWS: dict[State, dict[type, _Step]] = {
    State.CONNECTED: {
        **_OPEN,
        Start: Session._start,
        Media: Session._early_media,
        Binary: Session._early_media,
        Mark: Session._early_mark,
    },
    State.ADMITTING: {
        **_STARTED,
        Admitted: Session._admitted,
        NotAdmitted: Session._not_admitted,
    },
    State.ACTIVE: {
        **_STARTED,
        Clear: Session._interrupt,
        Finish: Session._play_out,
        Broken: Session._broken,
    },
    State.CLOSING: {
        **_STARTED,
        Media: Session._nothing,
        Binary: Session._late_binary,
        Finish: Session._nothing,
        PlayedOut: Session._played_out,
        Broken: Session._broken,
    },
    State.ENDED: {},
}
_TABLE = {(state, event): step for state, row in _ROWS.items() for event, step in row.items()}
