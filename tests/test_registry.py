"""Who may run, and how sessions begin and end on record."""

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.utils import timezone

from rtc import registry, telling
from rtc.core.exceptions import Refused
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.models import Session, UsedTicket
from rtc.signals import session_ended, session_started
from tests.registering import CALLER, at_once, end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker():
    return registry.enlist("here:1", "here", 1)


@pytest.fixture
def admit(worker):
    def admit(session_id, *, alias="default", media_format=None, caller=CALLER, **limits):
        return registry.admit(session_id, alias, registry.ConcurrencyLimits(**limits), media_format, caller, worker)

    return admit


def refusal(admit, *args, **kwargs):
    with pytest.raises(Refused) as caught:
        admit(*args, **kwargs)
    return caught.value.reason, caught.value.close_code, caught.value.limit


def test_a_session_is_recorded_when_it_starts(admit, worker):
    row = Session.objects.get(pk=admit("a"))
    assert (row.session_id, row.stream, row.state, row.user, row.worker_id) == (
        "a",
        "default",
        "starting",
        None,
        worker,
    )
    assert (row.client_address, row.user_agent) == ("192.0.2.1", "phone")
    assert (row.encoding, row.framing, row.sample_rate, row.rate_declared) == ("mulaw", "json", None, False)
    assert row.ended_at is None
    assert str(row) == "default/a"
    assert row.duration.total_seconds() >= 0


def test_a_declared_format_is_recorded(admit):
    declared = MediaFormat(encoding=Encoding.PCM_S16LE, sample_rate=16000, framing=Framing.BINARY)
    row = Session.objects.get(pk=admit("a", media_format=declared))
    assert (row.encoding, row.framing, row.sample_rate, row.rate_declared) == ("pcm_s16le", "binary", 16000, True)


def test_a_user_is_recorded(admit):
    user = get_user_model().objects.create_user("ann")
    assert Session.objects.get(pk=admit("a", caller=registry.Caller(user=user))).user == user


def test_a_long_user_agent_is_cut(admit):
    row = Session.objects.get(pk=admit("a", caller=registry.Caller(user_agent="x" * 1000)))
    assert row.user_agent == "x" * 200


def test_a_session_is_recorded_when_it_ends(admit):
    pk = admit("a")
    assert end(pk, frames_in=5, frames_out=4, frames_dropped=3, errors=2, sample_rate=44100, history=[[1, 2]])
    row = Session.objects.get(pk=pk)
    assert (row.state, row.end_reason, row.close_code) == ("ended", "client_stop", 1000)
    assert (row.frames_in, row.frames_out, row.frames_dropped, row.errors) == (5, 4, 3, 2)
    assert (row.sample_rate, row.history) == (44100, [[1, 2]])
    assert row.duration == row.ended_at - row.started_at


def test_an_end_is_recorded_and_told_once(admit, told):
    pk = admit("a")
    assert end(pk, "first", frames_in=5)
    assert not end(pk, "second", frames_in=6)
    assert Session.objects.get(pk=pk).frames_in == 5
    assert told == [("started", "a", "starting"), ("ended", "a", "first")]


def test_of_many_ends_at_once_one_is_recorded_and_told(admit, told):
    pk = admit("a")
    results = at_once(8, lambda index: end(pk, f"reason {index}"))
    assert results.count(True) == 1
    assert told[1:] == [("ended", "a", f"reason {results.index(True)}")]
    assert Session.objects.get(pk=pk).end_reason == f"reason {results.index(True)}"


def test_a_refused_session_is_told_to_nobody(admit, told):
    admit("a", stream=1)
    refusal(admit, "b", stream=1)
    refusal(admit, "a")
    assert told == [("started", "a", "starting")]
    assert Session.objects.count() == 1


def test_a_receiver_that_fails_keeps_nothing_from_anyone(admit, told):
    def fail(**kwargs):
        raise ValueError("no")

    session_started.connect(fail)
    session_ended.connect(fail)
    try:
        assert end(admit("a"))
        assert telling.settle(10)
    finally:
        session_started.disconnect(fail)
        session_ended.disconnect(fail)
    assert [what for what, *_ in told] == ["started", "ended"]


def test_a_receiver_finds_the_end_committed(admit):
    seen = []

    def look(session, **kwargs):
        def read(_):
            seen.append(Session.objects.get(pk=session.pk).state)

        at_once(1, read)  # over another connection

    session_ended.connect(look)
    try:
        end(admit("a"))
        assert telling.settle(10)
    finally:
        session_ended.disconnect(look)
    assert seen == ["ended"]


def test_an_id_that_is_live_is_refused_on_any_stream(admit):
    admit("a")
    for alias in ("default", "other"):
        assert refusal(admit, "a", alias=alias) == ("connection_already_exists", 4409, None)
    assert Session.objects.count() == 1


def test_of_many_starts_with_one_id_at_once_one_is_admitted(admit, told):
    results = at_once(8, lambda index: admit("a"))
    refusals = [result for result in results if isinstance(result, Refused)]
    assert [error.reason for error in refusals] == ["connection_already_exists"] * 7
    assert told == [("started", "a", "starting")]


def test_an_id_is_free_once_its_session_has_ended(admit):
    end(admit("a"))
    admit("a")
    assert list(Session.objects.values_list("state", flat=True)) == ["starting", "ended"]


def test_an_id_is_free_when_its_session_ends_while_it_is_looked_for(admit, monkeypatch):
    first = admit("a")
    live = Session.objects.live

    def end_first():
        monkeypatch.undo()
        end(first)
        return live()

    monkeypatch.setattr(Session.objects, "live", end_first)
    second = admit("a")
    assert list(Session.objects.order_by("pk").values_list("pk", "state")) == [(first, "ended"), (second, "starting")]


def test_an_id_that_is_taken_again_meanwhile_is_refused(admit, monkeypatch):
    first = admit("a")
    live = Session.objects.live

    def end_first_and_start():
        monkeypatch.undo()
        end(first)
        nobody = live().none()
        admit("a")
        return nobody

    monkeypatch.setattr(Session.objects, "live", end_first_and_start)
    assert refusal(admit, "a") == ("connection_already_exists", 4409, None)


def test_what_the_database_refuses_for_another_reason_is_tried_twice(admit, monkeypatch):
    tries = []

    def refuse(session, **options):
        tries.append(session)
        raise IntegrityError

    monkeypatch.setattr(Session, "save", refuse)
    with pytest.raises(IntegrityError):
        admit("a")
    assert len(tries) == 2


def test_a_place_that_was_waited_for_is_taken_after_it_was_left(admit, monkeypatch):
    first = admit("a", stream=1)
    reap = registry.reap

    def end_first(worker_pk):
        end(first)
        return reap(worker_pk)

    monkeypatch.setattr(registry, "reap", end_first)
    second = admit("b", stream=1)
    assert Session.objects.get(pk=second).started_at >= Session.objects.get(pk=first).ended_at


def test_a_streams_limit_counts_its_live_sessions(admit):
    first = admit("a", stream=2)
    admit("b", stream=2)
    admit("c", alias="other", stream=2)
    assert refusal(admit, "d", stream=2) == ("concurrency_limit_reached", 4429, 2)
    end(first)
    admit("d", stream=2)


def test_a_users_limit_counts_over_all_streams_and_nobody_else(admit):
    ann, ben = (registry.Caller(user=get_user_model().objects.create_user(name)) for name in ("ann", "ben"))
    first = admit("a", caller=ann, user=2)
    admit("b", alias="other", caller=ann, user=2)
    assert refusal(admit, "c", caller=ann, user=2) == ("user_limit_reached", 4429, 2)
    admit("c", caller=ben, user=2)
    for count in range(3):
        admit(f"nobody-{count}", user=2)
    end(first)
    admit("d", caller=ann, user=2)


def test_the_overall_limit_counts_everything(admit):
    first = admit("a", overall=2)
    admit("b", alias="other", overall=2)
    assert refusal(admit, "c", alias="third", overall=2) == ("server_limit_reached", 4429, 2)
    end(first)
    admit("c", alias="third", overall=2)


@pytest.mark.parametrize("limit", ["stream", "overall"])
def test_a_limit_is_exact_when_many_start_at_once(admit, limit):
    results = at_once(12, lambda index: admit(f"session-{index}", **{limit: 3}))
    assert sum(not isinstance(result, Refused) for result in results) == 3
    assert Session.objects.live().count() == 3


def test_a_limit_of_none_is_none_and_zero_lets_nobody_in(admit):
    for count in range(20):
        admit(f"session-{count}")
    assert refusal(admit, "more", stream=0) == ("concurrency_limit_reached", 4429, 0)


def test_a_ticket_is_used_once_and_not_up_by_a_refusal(admit):
    caller = registry.Caller(ticket="nonce", ticket_expires_at=timezone.now())
    admit("a", stream=1)
    refusal(admit, "b", stream=1, caller=caller)
    assert not UsedTicket.objects.exists()
    pk = admit("b", caller=caller)
    assert refusal(admit, "c", caller=caller)[:2] == ("ticket_used", 4403)
    end(pk)
    assert refusal(admit, "c", caller=caller)[:2] == ("ticket_used", 4403)


def test_of_many_starts_with_one_ticket_at_once_one_is_admitted(admit):
    caller = registry.Caller(ticket="nonce", ticket_expires_at=timezone.now())
    results = at_once(8, lambda index: admit(f"session-{index}", caller=caller))
    assert sum(not isinstance(result, Refused) for result in results) == 1
    assert Session.objects.count() == 1
