import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from rtc import Stream
from rtc.checks import RESERVED_ALIASES, check_channel_layer, check_fencing, check_streams
from rtc.directory import get_stream

stream = Stream(lambda audio: audio)
not_a_stream = "nothing to call"
HERE = "tests.test_checks"


def ids(settings, streams):
    settings.RTC_STREAMS = streams
    return [message.id for message in check_streams(None)]


def test_streams_that_are_there_pass(settings):
    assert ids(settings, {"default": f"{HERE}.stream", "other-1": f"{HERE}.stream"}) == []
    assert ids(settings, {}) == []


@pytest.mark.parametrize("path", ["no.such.module", f"{HERE}.nothing", "stream", "", f"{HERE}.not_a_stream"])
def test_a_path_that_leads_to_no_stream_is_an_error(settings, path):
    assert ids(settings, {"default": path}) == ["rtc.E001"]
    with pytest.raises(ImproperlyConfigured, match="RTC_STREAMS\\['default'\\] names"):
        get_stream("default")


@pytest.mark.parametrize("alias", sorted(RESERVED_ALIASES))
def test_an_alias_that_is_a_path_of_ours_is_an_error(settings, alias):
    assert ids(settings, {alias: f"{HERE}.stream"}) == ["rtc.E002"]


def test_each_stream_is_looked_at(settings):
    assert ids(settings, {"admin": "no.such", "b": "no.such"}) == ["rtc.E002", "rtc.E001", "rtc.E001"]


def test_the_checks_are_registered(settings):
    settings.RTC_STREAMS = {"default": "no.such"}
    assert "rtc.E001" in [message.id for message in run_checks()]


def test_an_alias_nobody_configured_has_no_stream(settings):
    settings.RTC_STREAMS = {"default": f"{HERE}.stream"}
    assert get_stream("default") is stream
    assert get_stream("other") is None


def test_a_worker_gives_up_before_others_take_it_for_lost(settings):
    assert check_fencing(None) == []
    settings.RTC_WORKER_FENCE_S = settings.RTC_WORKER_LOST_S = 10.0
    assert [message.id for message in check_fencing(None)] == ["rtc.E003"]


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ("channels.layers.InMemoryChannelLayer", []),
        ("channels_redis.pubsub.RedisPubSubChannelLayer", []),
        ("channels_redis.core.RedisChannelLayer", ["rtc.W001"]),
    ],
)
def test_a_channel_layer_that_loses_sockets_is_warned_of(settings, backend, found):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend}}
    assert [message.id for message in check_channel_layer(None)] == found


def test_a_project_without_a_channel_layer_passes(settings):
    settings.CHANNEL_LAYERS = {}
    assert check_channel_layer(None) == []
