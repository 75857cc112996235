import pytest

from rtc.core.effects import Admit, Close, Deliver, Interrupt, Marked, PlayOut, Reply, Run
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
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.core.messages import (
    MAX_AUDIO_BYTES,
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
from rtc.core.session import Session, State

JUNK = Junk(ProtocolError("bad_json", "the frame is not JSON"))
START = Start(session_id="a")
REFUSAL = NotAdmitted(Refused("concurrency_limit_reached", 4429, 1))
FINISH = Finish(reason="handler_closed", text="bye")
EXPIRE = Expire(reason="idle", close_code=4408)
CLIENT_EVENTS = [START, Media(b"m"), Binary(b"b"), Mark(name="m"), Clear(), Ping(), Stop(), JUNK, Disconnected()]
OWN_EVENTS = [Admitted(), REFUSAL, FINISH, PlayedOut(), Broken(text="no"), EXPIRE]
PATHS = {
    State.CONNECTED: [],
    State.ADMITTING: [START],
    State.ACTIVE: [START, Admitted()],
    State.CLOSING: [START, Admitted(), FINISH],
    State.ENDED: [START, Stop()],
}
BINARY = MediaFormat(sample_rate=16000, encoding=Encoding.PCM_S16LE, framing=Framing.BINARY)


def in_state(state):
    session = Session()
    for event in PATHS[state]:
        session.handle(event, 0.0)
    assert session.state is state
    return session


def started(media_format=None):
    session = Session()
    session.handle(Start(session_id="a", media_format=media_format), 0.0)
    session.handle(Admitted(), 0.0)
    return session


def error_codes(effects):
    return [effect.message.code for effect in effects if isinstance(effect, Reply)]


def test_a_session_from_start_to_stop():
    session = Session()
    assert session.handle(START, 0.0) == (Admit(START),)
    assert session.handle(Admitted(), 0.0) == (Run(),)
    assert session.handle(Media(b"m"), 0.1) == (Deliver(b"m"),)
    assert session.handle(Ping(), 0.1) == (Reply(Pong()),)
    assert session.handle(Mark(name="n"), 0.1) == (Marked("n"),)
    assert session.handle(Stop(), 0.2) == (Reply(End(reason="client_stop")), Close("client_stop", 1000))
    assert session.handle(Disconnected(), 0.3) == ()


def test_a_declared_format_is_confirmed_before_the_handler_runs():
    session = Session()
    session.handle(Start(session_id="a", media_format=BINARY), 0.0)
    started_message = Started(session_id="a", media_format=BINARY, output=BINARY)
    assert session.handle(Admitted(), 0.0) == (Reply(started_message), Run())


def test_audio_between_start_and_admission_is_kept():
    assert in_state(State.ADMITTING).handle(Media(b"m"), 0.0) == (Deliver(b"m"),)


def test_a_refusal_says_why():
    assert in_state(State.ADMITTING).handle(REFUSAL, 0.0) == (
        Reply(Failed(reason="concurrency_limit_reached", limit=1)),
        Reply(End(reason="concurrency_limit_reached")),
        Close("concurrency_limit_reached", 4429),
    )


def test_a_refusal_may_have_a_text_for_people():
    refusal = NotAdmitted(Refused("not_allowed", 4403, text="Come back on Monday."))
    assert in_state(State.ADMITTING).handle(refusal, 0.0) == (
        Reply(Failed(reason="not_allowed")),
        Reply(End(reason="not_allowed", text="Come back on Monday.")),
        Close("not_allowed", 4403),
    )


def test_what_is_queued_is_played_out_before_the_close():
    session = started()
    assert session.handle(FINISH, 0.0) == (PlayOut(),)
    assert session.handle(Media(b"late"), 0.0) == ()
    assert session.handle(Binary(b"late"), 0.0) == ()
    assert session.handle(Finish(reason="time_limit"), 0.0) == ()
    end = End(reason="handler_closed", text="bye")
    assert session.handle(PlayedOut(), 0.0) == (Reply(end), Close("handler_closed", 1000))


def test_a_handler_that_failed_is_told_of():
    assert started().handle(Broken(text="no"), 0.0) == (
        Reply(Error(code="handler_failed", text="no")),
        Reply(End(reason="handler_failed")),
        Close("handler_failed", 4500),
    )


@pytest.mark.parametrize("state", list(State)[:-1])
def test_an_expiry_ends_any_session(state):
    assert in_state(state).handle(EXPIRE, 0.0) == (Reply(End(reason="idle")), Close("idle", 4408))


@pytest.mark.parametrize("state", list(State)[:-1])
def test_a_client_that_is_gone_is_told_nothing(state):
    assert in_state(state).handle(Disconnected(), 0.0) == (Close("client_gone", None),)


@pytest.mark.parametrize("state", list(State))
def test_an_interruption_reaches_only_a_handler_that_runs(state):
    expected = (Interrupt(),) if state is State.ACTIVE else ()
    assert in_state(state).handle(Clear(), 0.0) == expected


def test_leaving_before_start_is_no_error():
    session = Session()
    assert session.handle(Disconnected(), 0.0) == (Close("client_gone", None),)
    assert session.error_count == 0


@pytest.mark.parametrize("event", [Media(b"m"), Binary(b"b"), Mark(name="m")])
def test_too_early(event):
    session = Session()
    assert error_codes(session.handle(event, 0.0)) == ["not_started"]
    assert session.handle(START, 0.0) == (Admit(START),)


@pytest.mark.parametrize("state", [State.ADMITTING, State.ACTIVE, State.CLOSING])
def test_a_second_start_changes_nothing(state):
    session = in_state(state)
    assert error_codes(session.handle(Start(session_id="b"), 0.0)) == ["already_started"]
    assert (session.state, session.id) == (state, "a")


def test_binary_frames_must_have_been_agreed():
    for media_format in (None, MediaFormat(sample_rate=16000)):
        assert error_codes(started(media_format).handle(Binary(b"ab"), 0.0)) == ["unexpected_binary"]
    assert started(BINARY).handle(Binary(b"ab"), 0.0) == (Deliver(b"ab"),)


def test_half_a_sample_is_an_error():
    session = started(BINARY)
    assert error_codes(session.handle(Binary(b"abc"), 0.0)) == ["bad_length"]
    assert error_codes(session.handle(Media(b"abc"), 0.0)) == ["bad_length"]
    assert session.handle(Media(b"abcd"), 0.0) == (Deliver(b"abcd"),)
    assert started(MediaFormat(sample_rate=8000)).handle(Media(b"abc"), 0.0) == (Deliver(b"abc"),)


def test_the_short_cut_for_audio_is_open_while_the_handler_runs():
    for state in State:
        assert in_state(state).takes(b"m") is (state is State.ACTIVE)
    assert started(BINARY).takes(b"ab")
    assert not started(BINARY).takes(b"abc")


def test_the_short_cut_for_binary_audio_is_for_those_who_agreed_to_it():
    assert started(BINARY).takes_binary(b"ab")
    assert not started(BINARY).takes_binary(b"abc")
    assert not started(MediaFormat(sample_rate=8000)).takes_binary(b"ab")
    assert not started().takes_binary(b"ab")
    small = Session(max_audio_bytes=4)
    small.handle(Start(session_id="a", media_format=BINARY), 0.0)
    assert not small.takes_binary(b"ab"), "it is not admitted yet"
    small.handle(Admitted(), 0.0)
    assert small.takes_binary(b"abcd")
    assert not small.takes_binary(b"abcdef")


def test_a_binary_frame_that_is_too_big_ends_the_session():
    session = Session(max_audio_bytes=4)
    session.handle(Start(session_id="a", media_format=BINARY), 0.0)
    assert session.handle(Binary(b"abcd"), 0.0) == (Deliver(b"abcd"),)
    effects = session.handle(Binary(b"abcdef"), 0.0)
    assert effects[-2:] == (Reply(End(reason="too_big")), Close("too_big", 4413))


@pytest.mark.parametrize("state", [state for state in State if state is not State.ENDED])
def test_a_binary_frame_that_is_too_big_ends_the_session_whatever_it_does(state):
    effects = in_state(state).handle(Binary(b"b" * (MAX_AUDIO_BYTES + 1)), 0.0)
    assert effects[-2:] == (Reply(End(reason="too_big")), Close("too_big", 4413))


def test_a_text_frame_that_is_too_big_ends_the_session():
    effects = Session().handle(Junk(ProtocolError("too_big", "too big", 4413)), 0.0)
    assert effects == (
        Reply(Error(code="too_big", text="too big")),
        Reply(End(reason="too_big")),
        Close("too_big", 4413),
    )


def test_21_errors_within_10_seconds_end_a_session():
    session = started()
    for count in range(20):
        assert error_codes(session.handle(JUNK, count * 0.5)) == ["bad_json"]
        assert session.handle(Media(b"m"), count * 0.5) == (Deliver(b"m"),)
    effects = session.handle(JUNK, 10.0)
    assert effects[-2:] == (Reply(End(reason="too_many_errors")), Close("too_many_errors", 4400))
    assert session.error_count == 21


def test_errors_spread_over_a_longer_time_are_forgiven():
    session = started()
    for count in range(500):
        assert error_codes(session.handle(JUNK, count * 0.501)) == ["bad_json"]
    assert session.state is State.ACTIVE


@pytest.mark.parametrize("state", list(State)[:-1])
@pytest.mark.parametrize("event", OWN_EVENTS, ids=lambda event: type(event).__name__)
def test_what_our_own_side_may_not_do_raises(state, event):
    allowed = {
        State.CONNECTED: {Expire},
        State.ADMITTING: {Expire, Admitted, NotAdmitted},
        State.ACTIVE: {Expire, Finish, Broken},
        State.CLOSING: {Expire, Finish, Broken, PlayedOut},
    }
    session = in_state(state)
    if type(event) in allowed[state]:
        session.handle(event, 0.0)
        return
    with pytest.raises(InvalidState) as caught:
        session.handle(event, 0.0)
    assert (caught.value.event, caught.value.state) == (type(event).__name__, state.value)
    assert session.state is state


@pytest.mark.parametrize("event", [*CLIENT_EVENTS, *OWN_EVENTS], ids=lambda event: type(event).__name__)
def test_nothing_follows_the_end(event):
    session = in_state(State.ENDED)
    assert session.handle(event, 0.0) == ()
    assert session.state is State.ENDED
