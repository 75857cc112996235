"""Whose turn it is: measures of speech in, what to do out. Positions are seconds of the session's input audio.

    LISTENING --start--> TALKING --pause--> ANSWERING --audible--> REPLYING --reply over--> LISTENING
                            ^ |<--going on----'  |  ^                 | |
                            | '-----limit--> TALKING_ON               | '--interrupt, if it may resume--> HELD
                            '---------------interrupt-----------------'       HELD --start--> TALKING, else REPLYING

Every sample between the first onset of speech and the pause after it is handed over once, in `TurnOver`; or again, when
the user goes on before the reply to it was heard: then the next turn begins where that one began.
"""

from collections.abc import Callable
from enum import Enum

from rtc.core.onset import Onset
from rtc.core.speech import Measure
from rtc.core.turn_events import Held, Interrupted, Resumed, StartedTalking, TurnEvents, TurnOver
from rtc.core.turn_options import TurnOptions

PRE_ROLL_S = 0.2
"""How much a turn has before its first speech: what is too soft to be noticed as such."""
LONGEST_ONSET_S = 1.0
"""How far before the start of a turn is noticed its first speech may lie."""
SOON_S = 0.5
"""So shortly after what was skipped a turn begins right there."""
REACTION_S = 0.1
"""Nobody answers to what they have heard for so short a time: speech from then began before the reply was heard."""


class State(Enum):
    LISTENING = "listening"
    """Nobody has the word."""
    TALKING = "talking"
    """The user has, and is not replied to."""
    TALKING_ON = "talking on"
    """A turn grew too long and was handed over; the user goes on, and so does the reply to it."""
    ANSWERING = "answering"
    """A reply is made; none of it has been heard."""
    REPLYING = "replying"
    """Some of it has."""
    HELD = "held"
    """It was interrupted, but may go on."""


class Cue(Enum):
    """What a measure can mean."""

    START = "start"
    INTERRUPT = "interrupt"
    PAUSE = "pause"
    LIMIT = "limit"


class Turns:
    """Who has the word in one session."""

    def __init__(self, options: TurnOptions) -> None:
        self.state = State.LISTENING
        self._options = options
        self._algo = options.algo
        self._interrupt_after_s = options.interrupt_threshold_s
        self._onset = Onset(min(options.algo.audio_chunk_duration, options.vad.min_silence_duration_ms / 1000))
        self._min_speech_s = options.vad.min_speech_duration_ms / 1000
        self._longest_s = min(options.longest_s, options.algo.max_continuous_speech_s)
        self._now_s = 0.0
        self._begin_s: float | None = None
        self._talks_since_s = _NEVER_BEFORE
        self._taken_to_s = 0.0
        self._skipped_to_s = _NEVER_BEFORE
        self._audible_s = _NEVER
        self._waiting: TurnOver | None = None

    @property
    def keep_from_s(self) -> float:
        """Audio from before this is not needed any more."""
        needed_s = self._now_s - LONGEST_ONSET_S - PRE_ROLL_S
        if self._begin_s is not None:
            needed_s = min(needed_s, self._begin_s)
        if self._waiting is not None:
            needed_s = min(needed_s, self._waiting.begin_s)
        return max(0.0, needed_s)

    def measured(self, measure: Measure) -> TurnEvents:
        """Take the next measure."""
        self._now_s = measure.end_s
        self._onset.follow(measure)
        if self.state in _REPLIES and not self._options.can_interrupt:
            return ()
        self._forget_what_was_replied_to()
        for cue, step in _ROWS[self.state].items():
            if _MEANS[cue](self, measure):
                return step(self)
        return ()

    def begin(self, now_s: float) -> TurnEvents:
        """The user takes the word, by a button: until `trigger`."""
        self._now_s = now_s
        if self.state in _TALKS or (self.state in _REPLIES and not self._options.can_interrupt):
            return ()
        self._onset.at_s = now_s
        return self._interrupt() if self.state in _REPLIES else self._start()

    def skip(self, to_s: float) -> None:
        """What came before is part of no turn; one that begins soon after has all that was said since. Call it while
        nobody has the word.
        """
        self._taken_to_s = self._skipped_to_s = max(self._taken_to_s, to_s)
        self._onset.at_s = None

    def passed(self, now_s: float) -> TurnEvents:
        """Audio came that is not measured."""
        self._now_s = now_s
        return self._cut() if self.state in _TALKS and self._is_too_long() else ()

    def trigger(self, now_s: float) -> TurnEvents:
        """The turn is over, whatever is measured; one of no audio, when nobody has said anything. During a reply
        nothing happens.
        """
        self._now_s = now_s
        if self.state in _REPLIES:
            return ()
        if self.state is State.LISTENING:
            self._begin_turn()
            if self._onset.at_s is None:
                self._begin_s = now_s
        return self._pause()

    def replying(self) -> None:
        """A reply is made to no turn at all: a greeting."""
        self.state = State.ANSWERING
        self._audible_s = _NEVER

    def audible(self) -> None:
        """The reply begins to be heard."""
        self._audible_s = self._now_s
        if self.state is State.ANSWERING:
            self.state = State.REPLYING

    def reply_over(self) -> TurnEvents:
        """It has been made and heard, or was given up."""
        waiting, self._waiting = self._waiting, None
        if self.state is State.TALKING_ON:
            if waiting is not None:
                return (waiting,)
            self.state = State.TALKING
        elif self.state in _REPLIES:
            if waiting is not None:
                return self._hand_over(waiting)
            self.state = State.LISTENING
            self._begin_s = None
            if not self._options.can_interrupt:
                self._onset.at_s = None
        return ()

    # What measures mean -----------------------------------------------------------------------------------------

    def _starts(self, measure: Measure) -> bool:
        is_long = self._onset.is_longer(self._min_speech_s)
        return is_long and self._onset.speech_s(measure) > self._algo.started_talking_threshold

    def _interrupts_reply(self, measure: Measure) -> bool:
        return self._onset.speech_s(measure) + measure.coming_s > self._interrupt_after_s

    def _pauses(self, measure: Measure) -> bool:
        """Whether the turn is over. Speech that has only begun has left too little in the chunk to tell by."""
        if measure.speech_s >= self._algo.speech_threshold or measure.stirring:
            return False
        return measure.end_s - self._talks_since_s >= self._algo.audio_chunk_duration

    def _is_too_long(self) -> bool:
        return self._begin_s is not None and self._now_s - self._begin_s >= self._longest_s

    def _forget_what_was_replied_to(self) -> None:
        """Once the reply is heard, speech that begins is no part of the turn it replies to."""
        if self.state is not State.REPLYING or self._is_going_on():
            return
        if self._onset.at_s is not None or self._now_s >= self._audible_s + REACTION_S:
            self._begin_s = None

    def _is_going_on(self) -> bool:
        """Whether the speech under way began before any of the reply was heard."""
        if self._begin_s is None or self._onset.at_s is None:
            return False
        return self._onset.at_s < self._audible_s + REACTION_S

    # Steps ------------------------------------------------------------------------------------------------------

    def _start(self) -> TurnEvents:
        self._begin_turn()
        return (StartedTalking(),)

    def _stop_reply(self) -> TurnEvents:
        return self._hold() if self._options.resume else self._interrupt()

    def _interrupt(self) -> TurnEvents:
        going_on = self._is_going_on()
        if not going_on:
            self._begin_turn()
        elif self._onset.at_s is not None:
            self._talks_since_s = self._onset.at_s
        self.state = State.TALKING
        return Interrupted(going_on=going_on), StartedTalking()

    def _hold(self) -> TurnEvents:
        self.state = State.HELD
        return (Held(),)

    def _resume(self) -> TurnEvents:
        self._listen_to_reply()
        return (Resumed(),)

    def _listen_to_reply(self) -> None:
        self.state = State.ANSWERING if self._audible_s == _NEVER else State.REPLYING

    def _fall_silent(self) -> TurnEvents:
        if self._begin_s is None or self._onset.spoken_to_s > self._begin_s:
            return self._pause()
        # Nothing was said after the cut.
        self._begin_s = None
        if self.state is State.TALKING:
            self.state = State.LISTENING
        else:
            self._listen_to_reply()
        return ()

    def _pause(self) -> TurnEvents:
        begin_s = self._taken_to_s if self._begin_s is None else self._begin_s
        turn = TurnOver(begin_s=begin_s, end_s=self._now_s)
        if self.state is State.TALKING_ON and not self._options.can_interrupt:
            return self._wait_for_reply(turn)
        return self._hand_over(turn)

    def _cut(self) -> TurnEvents:
        """Hand over what there is; the user goes on."""
        talking_on = self._pause()
        self.state = State.TALKING_ON
        self._begin_s = self._now_s
        return talking_on

    def _hand_over(self, turn: TurnOver) -> TurnEvents:
        self.state = State.ANSWERING
        self._audible_s = _NEVER
        self._begin_s = turn.begin_s
        self._onset.at_s = None
        self._taken_to_s = turn.end_s
        return (turn,)

    def _wait_for_reply(self, turn: TurnOver) -> TurnEvents:
        """Nothing stops the reply: what was said meanwhile is one turn after it."""
        begin_s = turn.begin_s if self._waiting is None else self._waiting.begin_s
        self._waiting = TurnOver(begin_s=begin_s, end_s=turn.end_s)
        self._taken_to_s = turn.end_s
        self._onset.at_s = None
        self.state = State.ANSWERING
        return ()

    def _begin_turn(self) -> None:
        onset_s = self._now_s if self._onset.at_s is None else max(self._onset.at_s, self._now_s - LONGEST_ONSET_S)
        self._talks_since_s = onset_s
        begin_s = onset_s - PRE_ROLL_S
        if begin_s < self._skipped_to_s + SOON_S:
            begin_s = self._skipped_to_s
        self._begin_s = max(self._taken_to_s, begin_s)
        self.state = State.TALKING


_NEVER = float("inf")
_NEVER_BEFORE = -_NEVER
_TALKS = (State.TALKING, State.TALKING_ON)
_REPLIES = (State.ANSWERING, State.REPLYING, State.HELD)
_Step = Callable[[Turns], TurnEvents]

_MEANS: dict[Cue, Callable[[Turns, Measure], bool]] = {
    Cue.START: Turns._starts,
    Cue.INTERRUPT: Turns._interrupts_reply,
    Cue.PAUSE: Turns._pauses,
    Cue.LIMIT: lambda turns, measure: turns._is_too_long(),
}
_ROWS: dict[State, dict[Cue, _Step]] = {
    State.LISTENING: {Cue.START: Turns._start},
    State.TALKING: {Cue.PAUSE: Turns._fall_silent, Cue.LIMIT: Turns._cut},
    State.TALKING_ON: {Cue.PAUSE: Turns._fall_silent, Cue.LIMIT: Turns._cut},
    State.ANSWERING: {Cue.INTERRUPT: Turns._stop_reply},
    State.REPLYING: {Cue.INTERRUPT: Turns._stop_reply},
    State.HELD: {Cue.START: Turns._interrupt, Cue.PAUSE: Turns._resume},
}
"""What each state does on a cue; of several at once, on the first. On any other, nothing."""
