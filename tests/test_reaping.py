"""Who is taken for lost, and what may not keep the others' sessions from being ended."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import JSONField, Value
from django.db.models.functions import Now
from django.utils import timezone

from rtc import registry
from rtc.models import Session, Worker
from rtc.sightings import Sightings
from tests.registering import admit, enlist

pytestmark = pytest.mark.django_db(transaction=True)

LOST_S = 15.0


@pytest.fixture(autouse=True)
def lost_s(settings):
    settings.RTC_WORKER_LOST_S = LOST_S


def silence(worker):
    Worker.objects.filter(pk=worker).update(last_beat_at=timezone.now() - timedelta(seconds=LOST_S + 1))


def states():
    return dict(Session.objects.values_list("session_id", "end_reason"))


# Figures

COUNTS = {"frames_in": 1, "frames_out": 1, "frames_dropped": 1, "errors": 1}
MALFORMED = {
    "another release's": {"frames_in": 1},
    "no counts": {"recent": []},
    "text": {**COUNTS, "frames_in": "1", "recent": []},
    "below 0": {**COUNTS, "frames_in": -1, "recent": []},
    "too big": {**COUNTS, "errors": 2**64, "recent": []},
    "no whole number": {**COUNTS, "errors": True, "recent": []},
    "no list": {**COUNTS, "recent": {}},
    "no samples": {**COUNTS, "recent": [1]},
    "samples of another length": {**COUNTS, "recent": [[1.0, 2.0]]},
    "a number": 1,
    "a list": [],
}


@pytest.mark.parametrize("what", MALFORMED)
def test_figures_of_no_form_we_know_keep_no_worker_from_being_reaped(what):
    lost, lives = enlist("lost"), enlist("lives")
    malformed, whole = admit("a", lost), admit("b", lost)
    figures = {str(malformed): MALFORMED[what], str(whole): {**COUNTS, "recent": []}}
    Worker.objects.filter(pk=lost).update(figures=figures)
    silence(lost)
    assert registry.beat(lives, registry.Load())
    assert states() == {"a": "worker_lost", "b": "worker_lost"}
    assert list(Session.objects.order_by("pk").values_list("frames_in", flat=True)) == [0, 1]


@pytest.mark.parametrize("figures", [[], "x", None, 5])
def test_a_workers_figures_may_be_anything(figures):
    lost = enlist("lost")
    admit("a", lost)
    Worker.objects.filter(pk=lost).update(figures=Value(figures, JSONField()))
    silence(lost)
    registry.reap()
    assert states() == {"a": "worker_lost"}


def test_a_lost_worker_that_cannot_be_reaped_holds_up_nobody(monkeypatch, caplog):
    stuck, lost, lives = (enlist(name) for name in ("stuck", "lost", "lives"))
    admit("a", stuck)
    admit("b", lost)
    silence(stuck)
    silence(lost)
    end_sessions = registry._end_sessions

    def fail(worker_pk, *args):
        if worker_pk == stuck:
            Session.objects.create(session_id="a", stream="default")  # the database refuses it
        return end_sessions(worker_pk, *args)

    monkeypatch.setattr(registry, "_end_sessions", fail)
    assert registry.beat(lives, registry.Load())
    admit("c", lives, stream=5)
    admit("d", enlist("next"))
    assert states() == {"a": "", "b": "worker_lost", "c": "", "d": ""}
    assert f"worker row {stuck} could not be ended" in caplog.text
    monkeypatch.undo()
    registry.reap()
    assert states()["a"] == "worker_lost"


# A clock that leaps


@pytest.fixture
def leap(monkeypatch):
    def leap(seconds):
        monkeypatch.setattr(registry, "Now", lambda: Now() + timedelta(seconds=seconds))

    return leap


@pytest.mark.parametrize("look", ["beat", "enlist", "admit", "watch"])
def test_a_leap_of_the_databases_clock_ends_no_session_of_a_worker_that_was_seen_to_live(leap, look):
    here, other = enlist("here"), enlist("other")
    admit("a", other)
    registry.beat(here, registry.Load())
    leap(LOST_S + 5)
    registry.renew(here)
    {
        "beat": lambda: registry.beat(here, registry.Load()),
        "enlist": lambda: enlist("new"),
        "admit": lambda: admit("b", here, stream=5),
        "watch": registry.reap,
    }[look]()
    assert states()["a"] == ""
    assert registry.renew(other)


def test_a_worker_that_is_silent_after_a_leap_too_is_lost(leap, monkeypatch):
    here, other = enlist("here"), enlist("other")
    admit("a", other)
    registry.beat(here, registry.Load())
    leap(LOST_S + 5)
    clock = registry.time.monotonic
    for passed_s, lost in ((0.4 * LOST_S, False), (0.6 * LOST_S, True)):
        monkeypatch.setattr(registry.time, "monotonic", lambda passed_s=passed_s: clock() + passed_s)
        registry.renew(here)
        registry.beat(here, registry.Load())
        assert (states() == {"a": "worker_lost"}) is lost


def test_a_worker_that_is_overdue_itself_ends_nothing_whatever_it_has_seen_of_others(leap, monkeypatch):
    """The database was away: the other's last beat was seen to be the last for long, for there could be no other."""
    here, other = enlist("here"), enlist("other")
    admit("a", other)
    registry.beat(here, registry.Load())
    registry.renew(here)  # its own last one was not seen yet
    leap(LOST_S + 1)
    clock = registry.time.monotonic
    monkeypatch.setattr(registry.time, "monotonic", lambda: clock() + LOST_S + 1)
    registry.beat(here, registry.Load())
    assert states() == {"a": ""}


START = datetime(2026, 1, 1, tzinfo=UTC)


def at(second):
    return START + timedelta(seconds=second)


def test_what_is_seen_of_a_worker():
    sightings = Sightings()
    looks = [
        (0.0, at(0), False, []),
        (5.0, at(4), False, []),
        (6.0, at(4), True, []),  # the clock has leapt
        (7.0, at(30), False, []),
        (14.0, at(30), True, []),
        (15.0, at(30), True, [1]),
        (16.0, at(40), True, []),  # it lives
        (17.0, at(10), True, [1]),  # not the beat that was seen: it is looked at anew
        (18.0, at(10), True, [1]),  # whoever was to end its sessions failed
    ]
    for now, beat_at, late, lost in looks:
        assert sightings.lost([(1, beat_at, late)], LOST_S, now) == lost, now


def test_a_worker_that_is_seen_for_the_first_time_is_as_the_database_says():
    sightings = Sightings()
    assert sightings.lost([(1, at(0), True), (2, at(0), False)], LOST_S, 0.0) == [1]
    assert sightings.lost([(3, at(0), True)], LOST_S, 1.0) == [3]
    assert sightings.lost([(2, at(0), True)], LOST_S, 2.0) == [2], "it was forgotten meanwhile"
