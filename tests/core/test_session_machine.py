"""Any sequence of events against a model of a session's life."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rtc.core.effects import Admit, Close, Deliver, PlayOut, Reply, Run
from rtc.core.events import (
    Admitted,
    Binary,
    Broken,
    Disconnected,
    Expire,
    Finish,
    Junk,
    NotAdmitted,
    PlayedOut,
)
from rtc.core.exceptions import InvalidState, ProtocolError, Refused
from rtc.core.messages import MAX_AUDIO_BYTES, End, Error, Media, Ping, Stop
from rtc.core.session import Session, State
from tests.core import strategies

WINDOW_S = 10.0
ERROR_LIMIT = 20

client_events = (
    strategies.client_messages.filter(lambda message: not isinstance(message, Stop))
    | st.builds(Binary, strategies.payloads)
    | st.builds(Junk, st.just(ProtocolError("bad_json", "not JSON")))
)
last_events = (
    st.builds(Stop)
    | st.builds(Disconnected)
    | st.builds(Expire, reason=st.just("idle"), close_code=st.just(4408))
    | st.builds(Junk, st.just(ProtocolError("too_big", "too big", 4413)))
)
own_events = (
    st.builds(Admitted)
    | st.builds(NotAdmitted, st.just(Refused("connection_already_exists", 4409)))
    | st.builds(Finish, reason=st.just("handler_closed"))
    | st.builds(PlayedOut)
    | st.builds(Broken, text=st.text(max_size=5))
)


class SessionMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.session = Session(error_limit=ERROR_LIMIT, error_window_s=WINDOW_S)
        self.now = 0.0
        self.effects = []
        self.error_times = []

    def handle(self, event):
        before = self.session.state
        short_cut = (isinstance(event, Media) and self.session.takes(event.payload)) or (
            isinstance(event, Binary) and self.session.takes_binary(event.payload)
        )
        try:
            effects = self.session.handle(event, self.now)
        except InvalidState:
            assert isinstance(event, Admitted | NotAdmitted | Finish | PlayedOut | Broken)
            assert self.session.state is before
            return
        assert not short_cut or effects == (Deliver(event.payload),)
        self.check(before, event, effects)
        self.effects.extend(effects)

    def check(self, before, event, effects):
        if before is State.ENDED:
            assert effects == ()
        for effect in effects:
            if isinstance(effect, Deliver):
                assert before in (State.ADMITTING, State.ACTIVE)
            if isinstance(effect, Reply) and isinstance(effect.message, Error) and isinstance(event, Junk):
                assert effect.message.code == event.error.code
        closes = [effect for effect in effects if isinstance(effect, Close)]
        assert bool(closes) == (before is not State.ENDED and self.session.state is State.ENDED)
        if closes and closes[0].close_code is not None:
            assert effects[-2:] == (Reply(End(reason=closes[0].reason, text=effects[-2].message.text)), closes[0])
        self.check_errors(effects)

    def check_errors(self, effects):
        """Errors that end nothing, and the one too many; those that end a session by themselves are not counted."""
        ended = [effect.reason for effect in effects if isinstance(effect, Close)]
        is_error = any(isinstance(effect, Reply) and isinstance(effect.message, Error) for effect in effects)
        if not is_error or ended in (["too_big"], ["handler_failed"]):
            return
        self.error_times.append(self.now)
        recent = self.error_times[-ERROR_LIMIT - 1 :]
        too_many = len(recent) > ERROR_LIMIT and self.now - recent[0] <= WINDOW_S
        assert ended == (["too_many_errors"] if too_many else [])

    @rule(event=client_events)
    def client_sends(self, event):
        self.handle(event)

    @rule(event=own_events)
    def own_side_says(self, event):
        self.handle(event)

    @rule(start=strategies.starts)
    def starts(self, start):
        self.handle(start)

    @precondition(lambda self: self.session.state is State.ADMITTING)
    @rule()
    def is_admitted(self):
        self.handle(Admitted())

    @rule(count=st.integers(1, ERROR_LIMIT), apart_s=st.floats(0.0, 1.0))
    def errors_come(self, count, apart_s):
        for _ in range(count):
            self.now += apart_s
            self.handle(Junk(ProtocolError("bad_json", "not JSON")))

    @rule(seconds=st.floats(0.0, 2 * WINDOW_S))
    def time_passes(self, seconds):
        self.now += seconds
        self.handle(Ping())

    @rule()
    def a_huge_frame_comes(self):
        self.handle(Binary(bytes(MAX_AUDIO_BYTES + 1)))

    @precondition(lambda self: len(self.effects) > 5)
    @rule(event=last_events)
    def ends(self, event):
        self.handle(event)

    @invariant()
    def nothing_happens_twice(self):
        kinds = [type(effect) for effect in self.effects]
        for kind in (Admit, Run, PlayOut, Close):
            assert kinds.count(kind) <= 1
        assert Close not in kinds or kinds[-1] is Close
        assert (Close in kinds) == (self.session.state is State.ENDED)

    @invariant()
    def the_handler_runs_only_once_admitted(self):
        kinds = [type(effect) for effect in self.effects]
        if Run in kinds:
            assert Admit in kinds[: kinds.index(Run)]

    @invariant()
    def errors_are_counted(self):
        assert self.session.error_count == len(self.error_times)


SessionMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestSession = SessionMachine.TestCase
