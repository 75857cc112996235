import re
from pathlib import Path

import pytest

from rtc.conf import Conf, conf

DEFAULTS = {
    "RTC_SEND_LEAD_MS": 200,
    "RTC_INPUT_QUEUE_MS": 5_000,
    "RTC_MAX_UTTERANCE_S": 120.0,
    "RTC_OUTPUT_QUEUE_MS": 30_000,
    "RTC_MAX_AUDIO_BYTES": 65_536,
    "RTC_MAX_FRAMES_PER_S": 1_000,
    "RTC_MAX_UNSENT_BYTES": 8 * 1024 * 1024,
    "RTC_MAX_PARAMS_BYTES": 4_096,
    "RTC_ERROR_LIMIT": 20,
    "RTC_ERROR_WINDOW_S": 10.0,
    "RTC_START_TIMEOUT_S": 20.0,
    "RTC_IDLE_TIMEOUT_S": 60.0,
    "RTC_CLOSE_GRACE_S": 10.0,
    "RTC_START_UP_HOLD_MS": 1_000,
    "RTC_SHUTDOWN_TIMEOUT_S": 5.0,
    "RTC_ALLOWED_ORIGINS": [],
    "RTC_CONCURRENCY_LIMIT": None,
    "RTC_USER_CONCURRENCY_LIMIT": None,
    "RTC_ADMISSION_QUEUE": 500,
    "RTC_ADMISSION_TIMEOUT_S": 5.0,
    "RTC_HEARTBEAT_S": 5.0,
    "RTC_WORKER_LOST_S": 15.0,
    "RTC_LEASE_S": 1.0,
    "RTC_WORKER_FENCE_S": 12.0,
    "RTC_MAX_LAG_MS": 250.0,
    "RTC_SWITCH_INTERVAL_MS": 0.5,
    "RTC_DRAIN_S": 30.0,
    "RTC_CLOSE_HANDSHAKE_S": 10.0,
    "RTC_VERSION": "0.1.0",
    "RTC_ANSWER_TIMEOUT_S": 2.0,
    "RTC_MESSAGE_CHARS": 65_536,
    "RTC_READY_NEEDS_CHANNEL_LAYER": False,
    "RTC_METRICS_TOKEN": "",
    "RTC_INPUT_TIMEOUT_S": 300.0,
    "RTC_MAX_INPUT_BYTES": 2_097_152,
    "RTC_STORED_INPUT_CHARS": 10_000,
    "RTC_TIMELINE_LIMIT": 500,
    "RTC_TICKET_MAX_AGE_S": 60,
    "RTC_OUTPUTS_WAIT_S": 30.0,
    "RTC_OUTPUTS_POLL_S": 2.0,
    "RTC_OUTPUT_QUEUE": 1_000,
    "RTC_RETENTION_DAYS": 30,
    "RTC_DATABASE_PATIENCE_S": 60.0,
    "RTC_CONTENT_SECURITY_POLICY": True,
    "RTC_STREAMS": {},
}
FOLLOW_DEBUG = {"RTC_SHOW_HANDLER_ERRORS"}
NAMES = [name for name in vars(Conf) if name.startswith("RTC_")]


def test_each_setting_has_its_default_here():
    assert set(NAMES) == set(DEFAULTS) | FOLLOW_DEBUG


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_defaults(settings, name):
    if hasattr(settings, name):
        delattr(settings, name)
    assert getattr(conf, name) == DEFAULTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_read_anew_each_time(settings, name):
    for value in ("first", "second"):
        setattr(settings, name, value)
        assert getattr(conf, name) == value


@pytest.mark.parametrize("debug", [True, False])
def test_errors_are_shown_where_debug_is_on(settings, debug):
    settings.DEBUG = debug
    assert conf.RTC_SHOW_HANDLER_ERRORS is debug


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_says_what_it_is(name):
    assert getattr(Conf, name).__doc__


def test_each_setting_is_in_the_docs_with_its_default():
    table = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `(RTC_\w+)` \| `([^`]*)` \|", table, re.MULTILINE))
    assert rows == {name: str(default) for name, default in DEFAULTS.items()} | {name: "DEBUG" for name in FOLLOW_DEBUG}


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_is_said_to_be_the_same_in_the_docs(name):
    table = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
    [meaning] = re.findall(rf"^\| `{name}` \| `[^`]*` \| (.*) \|$", table, re.MULTILINE)
    assert meaning.startswith(getattr(Conf, name).__doc__)
