"""`/healthz`, `/readyz` and `/metrics`."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test import AsyncClient, AsyncRequestFactory
from prometheus_client.parser import text_string_to_metric_families

from rtc import Stream, health_views, metrics, registry
from rtc.database import perform
from rtc.models import Worker
from rtc.tally import BUCKETS_S, Histogram, Tally, tally
from rtc.worker import local_worker
from tests.hooks import OK, Asking, Phone, ended, post, refused

pytestmark = pytest.mark.django_db(transaction=True)

asking = Stream(Asking)
TOKEN = "correct-horse"
TURN = {"said_s": 1.0, "delay_s": 0.3, "reply_s": 1.0, "heard_s": 1.0, "interrupted": False, "failed": False}


@pytest.fixture(autouse=True)
def streams(settings):
    settings.RTC_STREAMS = {"default": f"{__name__}.asking"}


async def ready():
    response = await AsyncClient().get("/readyz")
    return response.status_code, response.json()


def rename_column(model, old, new):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {model._meta.db_table} RENAME COLUMN {old} TO {new}")


async def test_the_process_lives():
    response = await AsyncClient().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]
    assert (await AsyncClient().post("/healthz")).status_code == 405


async def test_it_is_ready_and_says_how_it_is():
    status, told = await ready()
    assert status == 200
    assert told == {
        "ready": True,
        "database": "ok",
        "channel_layer": "none",
        "draining": False,
        "lag_ms": 0.0,
        "sessions": 0,
    }
    assert (await AsyncClient().get("/voice/readyz")).status_code == 404


async def test_a_database_that_is_away_is_no_place_to_start(monkeypatch):
    def fail():
        raise OperationalError("away")

    monkeypatch.setattr(health_views, "_ask_database", fail)
    status, told = await ready()
    assert (status, told["ready"], told["database"]) == (503, False, "away")


async def test_a_database_of_another_release_is_no_place_to_start():
    await perform(rename_column, Worker, "version", "of_another_release")
    try:
        status, told = await ready()
    finally:
        await perform(rename_column, Worker, "of_another_release", "version")
    assert (status, told["ready"], told["database"]) == (503, False, "not_migrated")
    assert (await ready())[0] == 200


async def test_a_channel_layer_that_is_missed_is_told(settings):
    settings.RTC_READY_NEEDS_CHANNEL_LAYER = True
    assert (await ready())[0] == 503


async def test_a_worker_whose_loop_is_late_takes_no_sessions(settings):
    worker = local_worker()
    settings.RTC_MAX_LAG_MS = 100
    for _ in range(3):
        worker.lag.note(0.099)
    assert (await ready())[0] == 200
    for _ in range(3):
        worker.lag.note(0.1)
    assert (await ready())[0] == 503
    assert (await refused(Phone()))[0::2] == ("overloaded", 4503)
    settings.RTC_MAX_LAG_MS = None
    assert (await ready())[0] == 200


async def test_a_draining_worker_takes_no_sessions_and_keeps_those_it_has(settings):
    settings.RTC_DRAIN_S = 60
    phone = await Phone().start()
    worker = local_worker()
    drained = worker.drain()
    status, told = await ready()
    assert (status, told["draining"], told["sessions"]) == (503, True, 1)
    assert (await refused(Phone(), session_id="b"))[0::2] == ("draining", 4503)
    assert await post({"webrtc_id": "a", "inputs": [1]}) == OK
    assert not drained.done()
    await phone.hang_up()
    await asyncio.wait_for(drained, 5)


async def test_sessions_that_outlast_the_drain_are_ended(settings):
    settings.RTC_DRAIN_S = 0.2
    phone = await Phone().start()
    row = await local_worker().row()
    local_worker().drain()
    messages, code = await phone.closed()
    assert (messages[-1], code) == ({"type": "end", "data": {"reason": "draining"}}, 4503)
    await phone.disconnect()
    await ended("a")
    assert (await Worker.objects.aget(pk=row)).draining_at is not None


async def test_a_worker_drains_when_its_row_says_so(settings):
    settings.RTC_HEARTBEAT_S = 0.05
    row = await local_worker().row()
    assert await perform(registry.drain, [row]) == 1
    assert await perform(registry.drain, [row]) == 0
    async with asyncio.timeout(5):
        while not local_worker().draining:
            await asyncio.sleep(0.01)


async def test_a_worker_that_stops_ends_its_row(settings):
    settings.RTC_DRAIN_S = 0
    phone = await Phone().start()
    row = await local_worker().row()
    await local_worker().stop()
    await phone.closed()
    await phone.disconnect()
    await ended("a")
    assert (await Worker.objects.aget(pk=row)).ended_at is not None


# Metrics


async def read(**headers):
    response = await AsyncClient().get("/metrics", headers=headers)
    return response.status_code, response.content.decode()


async def client_of(**fields):
    user = await get_user_model().objects.acreate(**fields)
    client = AsyncClient()
    await client.aforce_login(user)
    return user, client


async def test_users_of_a_model_without_staff_read_no_metrics():
    async def auser():
        return SimpleNamespace(is_active=True)  # all that AbstractBaseUser has of it

    request = AsyncRequestFactory().get("/metrics")
    request.auser = auser
    assert (await metrics.metrics(request)).status_code == 403


@pytest.mark.parametrize("asks", ["expose", "_may_view"])
async def test_without_a_database_there_are_no_metrics_and_no_traceback(settings, monkeypatch, caplog, asks):
    def fail(*args):
        raise OperationalError("away")

    settings.RTC_METRICS_TOKEN = TOKEN if asks == "expose" else ""
    monkeypatch.setattr(metrics, asks, fail)
    assert await read(authorization=f"Bearer {TOKEN}") == (503, "The database is away.\n")
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("token", "shown", "status"),
    [
        ("", None, 403),
        ("", "Bearer ", 403),
        (TOKEN, None, 403),
        (TOKEN, "Bearer no", 403),
        (TOKEN, f"Bearer {TOKEN}", 200),
    ],
)
async def test_who_shows_the_token_may_read(settings, token, shown, status):
    settings.RTC_METRICS_TOKEN = token
    assert (await read(**({} if shown is None else {"Authorization": shown})))[0] == status


async def test_staff_who_may_view_workers_may_read():
    user, client = await client_of(username="ann", is_staff=True)
    assert (await client.get("/metrics")).status_code == 403
    permission = await Permission.objects.aget(codename="view_worker")
    await user.user_permissions.aadd(permission)
    assert (await client.get("/metrics")).status_code == 200
    await get_user_model().objects.filter(pk=user.pk).aupdate(is_staff=False)
    assert (await client.get("/metrics")).status_code == 403


async def samples(settings):
    settings.RTC_METRICS_TOKEN = TOKEN
    status, text = await read(Authorization=f"Bearer {TOKEN}")
    assert status == 200
    return {
        (sample.name, *(value for key, value in sample.labels.items() if key != "worker")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_it_counts_what_happened(settings, monkeypatch):
    monkeypatch.setattr(tally, "__dict__", Tally().__dict__)
    phone = await Phone().start()
    await post({"webrtc_id": "a", "inputs": [1]})
    for _ in range(3):
        await phone.say(event="media", media={"payload": "/////w=="})
    await refused(Phone())
    (call,) = local_worker().calls.values()
    for delay_s in (0.3, None):
        call._record.turn({**TURN, "delay_s": delay_s})
    await local_worker().beat()
    found = await samples(settings)
    assert (found["rtc_turns_total",], found["rtc_reply_seconds_count",]) == (2, 1)
    assert found["rtc_sessions", "default"] == 1
    assert found["rtc_sessions_started_total", "default"] == 1
    assert found["rtc_sessions_refused_total", "connection_already_exists"] == 1
    assert found["rtc_frames_in_total",] == 3
    assert found["rtc_inputs_total",] == 1
    assert found["rtc_hook_seconds_count",] == 1
    assert found["rtc_worker_draining",] == 0
    await phone.hang_up()
    await ended("a")
    await local_worker().beat()
    found = await samples(settings)
    assert ("rtc_sessions", "default") not in found
    assert found["rtc_sessions_ended_total", "client_stop"] == 1
    assert found["rtc_frames_in_total",] == 3  # once


async def test_workers_that_are_gone_are_not_shown(settings):
    row = await local_worker().row()
    await local_worker().beat()
    assert ("rtc_worker_lag_seconds",) in await samples(settings)
    await perform(registry.retire, row, "shutting_down")
    assert ("rtc_worker_lag_seconds",) not in await samples(settings)


async def test_what_another_release_counted_is_left_to_it(settings):
    await local_worker().row()
    await local_worker().beat()
    await Worker.objects.acreate(name="other", host="other", pid=1, totals={"format": 0, "frames": 5})
    found = await samples(settings)
    assert ("rtc_worker_info", "other", "1", "") in found and found["rtc_frames_in_total",] >= 0


async def test_each_metric_is_in_the_docs(settings):
    settings.RTC_METRICS_TOKEN = TOKEN
    await local_worker().row()
    await local_worker().beat()
    _, text = await read(Authorization=f"Bearer {TOKEN}")
    shown = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    page = (Path(__file__).parent.parent / "docs" / "workers.md").read_text()
    assert shown == set(re.findall(r"`(rtc_[a-z_]+)`", page)) - {"rtc_drain"}


def test_a_histogram_has_a_bucket_for_each_bound_and_one_above():
    histogram = Histogram()
    for duration_s in (0.0, BUCKETS_S[0], BUCKETS_S[0] + 1e-9, 1000.0):
        histogram.add(duration_s)
    assert histogram.counts == [2, 1, *([0] * (len(BUCKETS_S) - 2)), 1]
    assert histogram.sum_s == pytest.approx(1000.002)
