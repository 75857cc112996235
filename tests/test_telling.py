"""Signals are sent in order, by a thread of their own, whatever receivers do."""

import asyncio
import logging
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from rtc import registry, telling
from rtc.database import perform, perform_beside
from rtc.models import Session, Worker
from rtc.ordered import OrderedThread
from rtc.registry import ConcurrencyLimits, Load
from rtc.signals import session_ended, session_started, turn_finished
from tests.blocks import ROOT
from tests.registering import CALLER, end

pytestmark = pytest.mark.django_db(transaction=True)


def admit(session_id, worker_pk):
    return registry.admit(session_id, "default", ConcurrencyLimits(), None, CALLER, worker_pk)


@pytest.fixture
def slow():
    """A receiver of ends that waits to be let go; gives what it waits for, and whom it has heard of."""
    let_go, heard = threading.Event(), []

    def receive(session, **kwargs):
        let_go.wait(10)
        heard.append(session.session_id)

    session_ended.connect(receive)
    yield let_go, heard
    let_go.set()
    assert telling.settle(10)
    session_ended.disconnect(receive)


def silence(worker_pk):
    Worker.objects.filter(pk=worker_pk).update(last_beat_at=timezone.now() - timedelta(hours=1))


async def test_a_slow_receiver_holds_up_no_heartbeat_no_admission_and_no_record(slow):
    let_go, heard = slow
    here, lost = [await perform(registry.enlist, name, "here", 1) for name in ("here", "lost")]
    for name in ("a", "b"):
        await perform(admit, name, lost)
    await perform(silence, lost)
    async with asyncio.timeout(5):
        assert await perform_beside(registry.beat, here, Load())
        assert await perform(end, await perform(admit, "c", here))
        assert await perform(admit, "d", here)
    assert heard == []
    let_go.set()
    assert telling.settle(10)
    assert heard == ["a", "b", "c"]


def test_a_worker_has_beaten_before_it_looks_after_others(monkeypatch):
    here, lost = (registry.enlist(name, "here", 1) for name in ("here", "lost"))
    admit("a", lost)
    silence(lost)
    before = timezone.now() - timedelta(seconds=1)
    Worker.objects.filter(pk=here).update(last_beat_at=before)
    beats = []

    def look(*args):
        beats.append(Worker.objects.get(pk=here).last_beat_at)
        return []

    monkeypatch.setattr(registry, "_end_sessions", look)
    assert registry.beat(here, Load())
    assert len(beats) == 1 and beats[0] > before


def test_signals_come_in_order_and_in_one_thread():
    came = []

    def receive(signal, **named):
        came.append((signal, threading.current_thread().name))

    signals = [session_started, turn_finished, session_ended]
    for signal in signals:
        signal.connect(receive)
    pk = admit("a", registry.enlist("here", "here", 1))
    telling.tell(turn_finished, session_pk=pk, turn={})
    end(pk)
    assert telling.settle(10)
    for signal in signals:
        signal.disconnect(receive)
    assert came == [(signal, "rtc-signals") for signal in signals]


def test_a_receiver_that_breaks_its_connection_leaves_the_next_one_a_whole_one():
    seen = []

    def receive(session, **kwargs):
        seen.append(Session.objects.get(pk=session.pk).session_id)
        connections["default"].connection.close()

    session_ended.connect(receive)
    worker = registry.enlist("here", "here", 1)
    for name in ("a", "b"):
        end(admit(name, worker))
    assert telling.settle(10)
    session_ended.disconnect(receive)
    assert seen == ["a", "b"]


def test_an_end_that_cannot_be_read_is_not_recorded(monkeypatch, told):
    """Else nobody would ever be told."""
    pk = admit("a", registry.enlist("here", "here", 1))

    def fail(*args):
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(registry, "_tell_ended", fail)
        with pytest.raises(OperationalError):
            end(pk)
    assert Session.objects.live().exists()
    assert end(pk)
    assert [what for what, *_ in told] == ["started", "ended"]


def test_many_signals_that_wait_are_logged(monkeypatch, caplog):
    monkeypatch.setattr(telling, "BEHIND", 3)
    release = threading.Event()
    telling._thread.submit(release.wait, 10)
    while telling._thread.waiting:
        time.sleep(0.001)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            telling.tell(turn_finished, session_pk=1, turn={})
    release.set()
    assert telling.settle(10)
    assert caplog.text.count("signals wait") == 1


def test_a_thread_that_is_never_done_is_not_waited_for_for_ever():
    thread = OrderedThread("stuck")
    assert thread.finish(0)  # it was never used
    release = threading.Event()
    thread.submit(release.wait, 10)
    assert not thread.finish(0.05)
    release.set()
    assert thread.finish(10)


def test_what_a_job_raises_is_its_submitters():
    thread = OrderedThread("failing")
    with pytest.raises(ZeroDivisionError):
        thread.submit(lambda: 1 / 0).result(10)
    assert thread.submit(int).result(10) == 0


AT_EXIT = """
import django
import time
django.setup()
from rtc import ordered, telling
from rtc.database import perform_soon
from rtc.signals import turn_finished

ordered.LEAVE_S = {leave_s}
telling.tell(turn_finished, session_pk=0, turn=0)  # there is a thread by now: Python 3.12 starts none at exit

def receive(turn, **kwargs):
    time.sleep(turn)
    print("heard of", turn, flush=True)

turn_finished.connect(receive)
for turn in {turns}:
    perform_soon(lambda turn=turn: (time.sleep(0.2), telling.tell(turn_finished, session_pk=1, turn=turn)))
print("exits", flush=True)
"""


@pytest.mark.parametrize(("leave_s", "turns", "heard"), [(8.0, [0.3, 0.2], [0.3, 0.2]), (0.5, [0.1, 60.0], [0.1])])
def test_what_waits_when_the_process_stops_is_told_as_far_as_there_is_time(leave_s, turns, heard):
    script = AT_EXIT.format(leave_s=leave_s, turns=turns)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == ["exits", *(f"heard of {turn}" for turn in heard)]
    assert ("stops before rtc-signals is done" in done.stderr) is (turns != heard)
