import pytest
from django.db import connections

from rtc import Stream
from rtc.checks.deployment import check_deployment
from rtc.checks.storage import (
    check_channel_layer,
    check_database,
    check_event_stream,
    check_routers,
    check_time_zone,
    check_workers,
)
from rtc.models import Worker

MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
PUBSUB = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}
CORE = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
endless = Stream(lambda audio: audio)
timed = Stream(lambda audio: audio, time_limit=600)
WAL = "PRAGMA journal_mode = WAL;"


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize("storage", [None, "django_eventstream.storage.DjangoModelStorage"])
def test_another_storage_of_outputs_is_an_error(settings, storage):
    assert check_event_stream(None) == []
    settings.EVENTSTREAM_STORAGE_CLASS = storage
    [message] = check_event_stream(None)
    assert message.id == "rtc.E011" and message.hint == 'EVENTSTREAM_STORAGE_CLASS = "rtc.outputs.OutputStorage"'


def test_the_redis_of_django_eventstream_is_a_warning(settings):
    settings.EVENTSTREAM_REDIS = None
    assert ids(check_event_stream(None)) == ["rtc.W005"]


def test_without_time_zones_is_an_error(settings):
    assert check_time_zone(None) == []
    settings.USE_TZ = False
    assert ids(check_time_zone(None)) == ["rtc.E015"]


class Replica:
    """Reads the tables of one app where they lag."""

    def __init__(self, app):
        self.app = app

    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label == self.app else None


@pytest.mark.parametrize(("app", "expected"), [("rtc", ["rtc.E016"]), ("auth", [])])
def test_a_router_that_leads_elsewhere_is_an_error(settings, app, expected):
    settings.DATABASE_ROUTERS = [Replica(app)]
    messages = check_routers(None)
    assert ids(messages) == expected
    assert all("replica" in message.msg for message in messages)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"init_command": WAL, "transaction_mode": "IMMEDIATE"}, []),
        ({"init_command": WAL}, ["IMMEDIATE"]),
        ({"transaction_mode": "IMMEDIATE"}, ["WAL"]),
        ({}, ["WAL", "IMMEDIATE"]),
    ],
)
def test_sqlite_that_locks_is_a_warning(monkeypatch, options, words):
    if connections["default"].vendor != "sqlite":
        pytest.skip("the tests run on another database")
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)
    messages = check_database(None)
    assert ids(messages) == (["rtc.W006"] if words else [])
    assert all(word in messages[0].msg for word in words)


@pytest.mark.parametrize(
    ("layers", "workers", "expected"),
    [
        (MEMORY, "", []),
        (MEMORY, "1", []),
        (MEMORY, "4", ["rtc.E013"]),
        (PUBSUB, "4", []),
        (CORE, "", ["rtc.W009"]),
        ({}, "", ["rtc.W007"]),
        ({"default": {"BACKEND": "channels_redis.nowhere.Layer"}}, "", ["rtc.E017"]),
        ({"default": {"BACKEND": "channels.layers.Nothing"}}, "4", ["rtc.E017"]),
    ],
)
def test_the_channel_layer_must_join_the_workers(settings, monkeypatch, layers, workers, expected):
    settings.CHANNEL_LAYERS = layers
    monkeypatch.setenv("WEB_CONCURRENCY", workers)
    assert ids(check_channel_layer(None)) == expected


@pytest.mark.django_db
def test_two_live_workers_that_cannot_reach_each_other_are_a_warning(settings):
    settings.CHANNEL_LAYERS = MEMORY
    Worker.objects.create(name="a", host="h", pid=1)
    assert check_workers(None, databases=["default"]) == []
    Worker.objects.create(name="b", host="h", pid=2)
    assert ids(check_workers(None, databases=["default"])) == ["rtc.W008"]
    assert check_workers(None) == []
    settings.CHANNEL_LAYERS = PUBSUB
    assert check_workers(None, databases=["default"]) == []


CAREFUL = {
    "RTC_ALLOWED_ORIGINS": ["https://shop.example"],
    "RTC_CONCURRENCY_LIMIT": 100,
    "RTC_SHOW_HANDLER_ERRORS": False,
    "RTC_STREAMS": {"timed": "tests.test_check_storage.timed"},
    "CHANNEL_LAYERS": PUBSUB,
}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RTC_STREAMS", CAREFUL["RTC_STREAMS"], []),
        ("RTC_ALLOWED_ORIGINS", ["*"], ["rtc.W010"]),
        ("CHANNEL_LAYERS", MEMORY, ["rtc.W011"]),
        ("RTC_IDLE_TIMEOUT_S", None, ["rtc.W012"]),
        ("RTC_SHOW_HANDLER_ERRORS", True, ["rtc.W013"]),
        ("RTC_CONCURRENCY_LIMIT", None, ["rtc.W014"]),
        ("RTC_STREAMS", {"endless": "tests.test_check_storage.endless"}, ["rtc.W015"]),
        ("RTC_STREAMS", {"missing": "no.such.stream"}, []),
    ],
)
def test_deployment(settings, name, value, expected):
    for careful_name, careful_value in CAREFUL.items():
        setattr(settings, careful_name, careful_value)
    setattr(settings, name, value)
    assert ids(check_deployment(None)) == expected
