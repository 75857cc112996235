import pytest
from django.contrib.auth import get_user_model

from rtc import registry
from rtc.core.exceptions import Refused
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.models import Session

pytestmark = pytest.mark.django_db
CALLER = registry.Caller(address="192.0.2.1", user_agent="phone")


def admit(session_id, *, alias="default", limit=None, media_format=None, caller=CALLER):
    return registry.admit(session_id, alias, limit, media_format, caller)


def end(pk, **figures):
    return registry.end(pk, "client_stop", 1000, registry.Figures(**figures))


def test_a_session_is_recorded_when_it_starts():
    row = Session.objects.get(pk=admit("a"))
    assert (row.session_id, row.stream, row.state, row.user) == ("a", "default", "active", None)
    assert (row.client_address, row.user_agent) == ("192.0.2.1", "phone")
    assert (row.encoding, row.framing, row.sample_rate, row.rate_declared) == ("mulaw", "json", None, False)
    assert row.ended_at is None
    assert str(row) == "default/a"
    assert row.duration.total_seconds() >= 0


def test_a_declared_format_is_recorded():
    declared = MediaFormat(encoding=Encoding.PCM_S16LE, sample_rate=16000, framing=Framing.BINARY)
    row = Session.objects.get(pk=admit("a", media_format=declared))
    assert (row.encoding, row.framing, row.sample_rate, row.rate_declared) == ("pcm_s16le", "binary", 16000, True)


def test_a_user_is_recorded():
    user = get_user_model().objects.create_user("ann")
    assert Session.objects.get(pk=admit("a", caller=registry.Caller(user=user))).user == user


def test_a_long_user_agent_is_cut():
    row = Session.objects.get(pk=admit("a", caller=registry.Caller(user_agent="x" * 1000)))
    assert row.user_agent == "x" * 200


def test_a_session_is_recorded_when_it_ends():
    pk = admit("a")
    assert end(pk, frames_in=5, frames_out=4, frames_dropped=3, errors=2, sample_rate=44100)
    row = Session.objects.get(pk=pk)
    assert (row.state, row.end_reason, row.close_code) == ("ended", "client_stop", 1000)
    assert (row.frames_in, row.frames_out, row.frames_dropped, row.errors) == (5, 4, 3, 2)
    assert row.sample_rate == 44100
    assert row.duration == row.ended_at - row.started_at


def test_an_end_is_recorded_once():
    pk = admit("a")
    assert end(pk, frames_in=5)
    assert not end(pk, frames_in=6)
    assert Session.objects.get(pk=pk).frames_in == 5


def test_an_id_that_is_live_is_refused_on_any_stream():
    admit("a")
    for alias in ("default", "other"):
        with pytest.raises(Refused, match="connection_already_exists") as caught:
            admit("a", alias=alias)
        assert caught.value.close_code == 4409
    assert Session.objects.count() == 1


def test_an_id_is_free_once_its_session_has_ended():
    end(admit("a"))
    admit("a")
    assert list(Session.objects.values_list("state", flat=True)) == ["active", "ended"]


def test_the_concurrency_limit_counts_live_sessions_of_one_stream():
    first = admit("a", limit=2)
    admit("b", limit=2)
    admit("c", alias="other", limit=2)
    with pytest.raises(Refused) as caught:
        admit("d", limit=2)
    assert (caught.value.reason, caught.value.limit, caught.value.close_code) == ("concurrency_limit_reached", 2, 4429)
    end(first)
    admit("d", limit=2)
