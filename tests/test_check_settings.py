import pytest
from django.core.checks import run_checks

from rtc.checks.settings import NAMES, POSITIVE, check_settings, describe, hint_of

WRONG = [
    ("RTC_STREAMS", ["shop.voice.echo"], "not a dict of texts"),
    ("RTC_STREAMS", {"default": object}, "not a dict of texts"),
    ("RTC_ALLOWED_ORIGINS", "https://shop.example", "not a list of texts"),
    ("RTC_ALLOWED_ORIGINS", ["shop.example"], "'shop.example' is no origin"),
    ("RTC_ALLOWED_ORIGINS", ["https://shop.example/"], "'https://shop.example/' is no origin"),
    ("RTC_SEND_LEAD_MS", 0.2, "not a whole number"),
    ("RTC_SEND_LEAD_MS", -1, "below 0"),
    ("RTC_ERROR_LIMIT", True, "not a whole number"),
    ("RTC_HEARTBEAT_S", "5", "not a number"),
    ("RTC_HEARTBEAT_S", 0, "leaves no room"),
    ("RTC_ADMISSION_TIMEOUT_S", 0, "leaves no room"),
    ("RTC_MAX_LAG_MS", 0, "leaves no room"),
    ("RTC_MAX_UTTERANCE_S", 0, "leaves no room"),
    ("RTC_IDLE_TIMEOUT_S", float("nan"), "not a number or None"),
    ("RTC_CONCURRENCY_LIMIT", "20", "not a whole number or None"),
    ("RTC_SHOW_HANDLER_ERRORS", 1, "not True or False"),
    ("RTC_WORKER_LOST_S", 5.0, "would be taken for lost"),
    ("RTC_WORKER_FENCE_S", 15.0, "could go on that others ended"),
]
RIGHT = [
    ("RTC_ALLOWED_ORIGINS", ("https://shop.example", "http://127.0.0.1:3000", "*")),
    ("RTC_SEND_LEAD_MS", 0),
    ("RTC_IDLE_TIMEOUT_S", None),
    ("RTC_IDLE_TIMEOUT_S", 30),
    ("RTC_CONCURRENCY_LIMIT", 0),
    ("RTC_SHOW_HANDLER_ERRORS", False),
]


@pytest.fixture(autouse=True)
def nothing_set(settings):
    for name in NAMES:
        if hasattr(settings, name):
            delattr(settings, name)


def test_the_defaults_pass():
    assert check_settings(None) == []


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_value_is_named_with_what_would_do(settings, name, value, words):
    setattr(settings, name, value)
    [message] = check_settings(None)
    assert message.id == "rtc.E004"
    assert message.msg.startswith(name) and words in message.msg
    assert name in message.hint or name == "RTC_STREAMS"


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_a_right_value_passes(settings, name, value):
    setattr(settings, name, value)
    assert check_settings(None) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_setting_may_be_just_anything(settings, name):
    setattr(settings, name, object())
    assert [message.id for message in check_settings(None)] == ["rtc.E004"]


@pytest.mark.parametrize("name", NAMES)
def test_the_type_of_each_setting_has_words(name):
    assert "<class" not in describe(hint_of(name)) and "typing" not in describe(hint_of(name))


def test_what_must_be_positive_is_a_setting():
    assert set(NAMES) >= POSITIVE


def test_a_setting_that_is_none_of_ours_is_a_slip_of_the_pen(settings):
    settings.RTC_STREEMS = {}
    [message] = check_settings(None)
    assert message.id == "rtc.W001" and message.hint == "Did you mean RTC_STREAMS?"


@pytest.mark.django_db  # Django's own checks of models look there
def test_the_check_is_registered(settings):
    settings.RTC_ERROR_LIMIT = "many"
    assert "rtc.E004" in [message.id for message in run_checks()]
