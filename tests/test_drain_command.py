"""`manage.py rtc_drain`."""

import io

import pytest
from django.core.management import CommandError, call_command

from rtc import registry
from rtc.models import Session, Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workers():
    return [registry.enlist(f"w{pid}", "box", pid) for pid in (1, 2)] + [registry.enlist("w3", "[::1]", 3)]


def drain(*args):
    output = io.StringIO()
    call_command("rtc_drain", *args, stdout=output)
    return output.getvalue()


def draining():
    return list(Worker.objects.filter(draining_at__isnull=False).order_by("pk").values_list("pid", flat=True))


def test_all_are_drained_but_those_that_have_ended(workers):
    registry.retire(workers[2], "shutting_down")
    assert drain("--all").startswith("Draining 2 workers; 0 were")
    assert draining() == [1, 2]
    assert drain("--all").startswith("Draining 0 workers; 2 were")


def test_one_is_drained_by_its_id_or_its_place(workers):
    drain("--worker", str(workers[0]))
    assert draining() == [1]
    drain("--worker", "[::1]:3", "--worker", "box:2")
    assert draining() == [1, 2, 3]


@pytest.mark.parametrize(
    "args", [[], ["--worker", "x"], ["--worker", "box:9"], ["--worker", "999"], ["--all", "--worker", "1"]]
)
def test_whom_it_does_not_know_it_names_and_drains_nobody(workers, args):
    with pytest.raises(CommandError):
        drain(*args)
    assert draining() == []


def test_it_waits_until_no_session_is_left(workers, monkeypatch):
    Session.objects.create(session_id="a", stream="default", worker_id=workers[0])
    left = []

    def nap(seconds):
        left.append(Session.objects.live().count())
        registry.end(Session.objects.get().pk, "client_stop", 1000, registry.Figures())

    monkeypatch.setattr("rtc.management.commands.rtc_drain.time.sleep", nap)
    assert "No sessions are left." in drain("--all", "--wait")
    assert left == [1]


def test_it_does_not_wait_for_ever(workers, settings):
    settings.RTC_DRAIN_S = settings.RTC_HEARTBEAT_S = settings.RTC_WORKER_LOST_S = 0
    Worker.objects.update(last_beat_at=Worker.objects.get(pk=workers[0]).last_beat_at.replace(year=2100))
    Session.objects.create(session_id="a", stream="default", worker_id=workers[0])
    with pytest.raises(CommandError, match="1 sessions are still live"):
        drain("--worker", str(workers[0]), "--wait")
