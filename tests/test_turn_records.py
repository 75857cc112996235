"""What is told and left on record of each turn, and of a reply that failed."""

import asyncio

import pytest

from rtc import ReplyOnPause, Stream, registry
from rtc.admission import Admission
from rtc.database import perform
from rtc.models import Session, TimelineEntry
from rtc.records import describe
from rtc.signals import handler_failed, turn_finished
from rtc.tally import tally
from rtc.testing import CallClient
from rtc.worker import LocalWorker
from tests.registering import CALLER
from tests.subjects import level
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)


class Impatient(ReplyOnPause):
    """Replies to nothing at all, twice."""

    async def start_up(self):
        await super().start_up()
        asyncio.get_running_loop().call_soon(self.trigger_response)

    def replied(self, reply):
        self.trigger_response()


async def test_turns_are_told_of_and_on_the_timeline():
    calls = []

    async def fn(audio):
        calls.append(audio)
        if len(calls) == 1:
            return level(1000, 0.1)
        if len(calls) == 2:
            return 1 / 0
        return await asyncio.get_running_loop().create_future()

    turns, failures = [], []

    def listen(session_pk, turn, **kwargs):
        turns.append((session_pk, turn))

    def listen_to_failures(session_pk, error, **kwargs):
        failures.append((session_pk, type(error.__cause__)))

    counted = tally.turns
    turn_finished.connect(listen)
    handler_failed.connect(listen_to_failures)
    worker = LocalWorker()
    stream = Stream(Impatient(fn, push_to_talk=True))
    client = CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)
    await client.start("a")
    await until(lambda: len(turns) == 2)
    turn_finished.disconnect(listen)
    handler_failed.disconnect(listen_to_failures)
    await client.stop()
    await client.leave()
    worker._heart.cancel()
    await perform(registry.reap)  # whatever is still to be written comes before it
    row = await Session.objects.aget()
    assert {pk for pk, _ in turns} == {row.pk}
    (first, second) = [turn for _, turn in turns]
    assert (first["said_s"], first["reply_s"], first["heard_s"]) == (0.0, 0.1, pytest.approx(0.1, abs=0.01))
    assert (first["interrupted"], first["failed"]) == (False, False)
    assert (second["reply_s"], second["delay_s"], second["failed"]) == (0.0, None, True)
    assert failures == [(row.pk, ZeroDivisionError)]
    entries = [entry async for entry in TimelineEntry.objects.filter(session=row)]
    assert [entry.kind for entry in entries][:3] == ["turn", "failed", "turn"]
    assert entries[0].text == describe(first)
    assert (row.state, row.end_reason) == ("ended", "client_stop"), "the session went on"
    assert tally.turns >= counted + 2


def test_a_turn_in_words():
    figures = {"said_s": 2.31, "delay_s": 0.1204, "reply_s": 5.0, "heard_s": 1.25, "interrupted": True, "failed": False}
    assert describe(figures) == "said 2.3 s, audio after 120 ms, heard 1.2 of 5.0 s, interrupted"
    silent = {**figures, "delay_s": None, "reply_s": 0.0, "heard_s": 0.0, "interrupted": False, "failed": True}
    assert describe(silent) == "said 2.3 s, no audio, heard 0.0 of 0.0 s, failed"
