import pytest
from django import forms
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from rtc import Stream
from rtc.checks.streams import RESERVED_ALIASES, check_streams
from rtc.directory import get_stream

stream = Stream(lambda audio: audio)


class Application(forms.Form):
    name = forms.CharField()
    picture = forms.ImageField()
    letter = forms.FileField(required=False)


class Person(forms.Form):
    name = forms.CharField()


applying = Stream(lambda audio: audio, input_form=Application)
introducing = Stream(lambda audio: audio, input_form=Person)
not_a_stream = "nothing to call"
HERE = "tests.test_check_streams"


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


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Stream(lambda audio: audio, mode='duplex')", "mode 'duplex' is none of send-receive, send, receive."),
        ("require_extra('no_such', extra='vad', feature='It')", "It needs no_such, which is not installed: pip"),
    ],
)
def test_of_a_stream_that_cannot_be_made_its_name_and_the_reason_are_told(settings, tmp_path, monkeypatch, line, text):
    (tmp_path / "a_shop_voice.py").write_text(
        f"from rtc import Stream\nfrom rtc.extras import require_extra\necho = {line}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings.RTC_STREAMS = {"front": "a_shop_voice.echo"}
    [error] = check_streams(None)
    assert error.id == "rtc.E001"
    assert error.msg.startswith(f"RTC_STREAMS['front'] names 'a_shop_voice.echo', which can't be made: {text}")
    assert error.hint is None  # there is such a path


@pytest.mark.parametrize("alias", sorted(RESERVED_ALIASES))
def test_an_alias_that_is_a_path_of_ours_is_an_error(settings, alias):
    assert ids(settings, {alias: f"{HERE}.stream"}) == ["rtc.E002"]


@pytest.mark.parametrize("alias", ["", "front desk", "café", "a/b", "a.b", "x" * 65, "line\n"])
def test_an_alias_that_fits_no_address_is_an_error(settings, alias):
    assert ids(settings, {alias: f"{HERE}.stream"}) == ["rtc.E003"]


def test_a_form_that_asks_for_files_is_an_error(settings):
    settings.RTC_STREAMS = {"apply": f"{HERE}.applying", "default": f"{HERE}.introducing"}
    [error] = check_streams(None)
    assert error.id == "rtc.E014"
    assert error.msg == "RTC_STREAMS: the form of 'apply' asks for files (picture, letter), and inputs are JSON."


def test_each_stream_is_looked_at(settings):
    assert ids(settings, {"admin": "no.such", "b": "no.such"}) == ["rtc.E002", "rtc.E001", "rtc.E001"]


@pytest.mark.django_db  # Django's own checks of models look there
def test_the_checks_are_registered(settings):
    settings.RTC_STREAMS = {"default": "no.such"}
    assert "rtc.E001" in [message.id for message in run_checks()]


def test_an_alias_nobody_configured_has_no_stream(settings):
    settings.RTC_STREAMS = {"default": f"{HERE}.stream"}
    assert get_stream("default") is stream
    assert get_stream("other") is None


def test_streams_of_another_type_are_left_to_the_check_of_settings(settings):
    assert ids(settings, ["shop.voice.echo"]) == []
    assert ids(settings, {"default": stream}) == []
