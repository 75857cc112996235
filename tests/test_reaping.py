"""Who is taken for lost, and what may not keep the others' sessions from being ended."""

from datetime import timedelta

import pytest
from django.db.models import JSONField, Value
from django.utils import timezone

from rtc import registry
from rtc.models import Session, Worker
from tests.registering import CALLER

pytestmark = pytest.mark.django_db(transaction=True)

LOST_S = 15.0


@pytest.fixture(autouse=True)
def lost_s(settings):
    settings.RTC_WORKER_LOST_S = LOST_S


def enlist(name):
    return registry.enlist(name, "here", 1)


def admit(session_id, worker, **limits):
    return registry.admit(session_id, "default", registry.ConcurrencyLimits(**limits), None, CALLER, worker)


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
