"""`Stream(input_form=…)`: what a Django form makes of inputs."""

import datetime
import json

import pytest
from django import forms
from django.contrib.auth import get_user_model

from rtc import Stream, inputs
from rtc.answers import Refusal
from rtc.models import Input
from tests.hooks import OK, Asking, Phone, ended, post

pytestmark = pytest.mark.django_db(transaction=True)


class SettingsForm(forms.Form):
    """Fields in an order of their own, one of which reads the database."""

    voice = forms.ChoiceField(choices=[("deep", "deep"), ("high", "high")])
    speed = forms.IntegerField(min_value=1, required=False)
    owner = forms.ModelChoiceField(queryset=None, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = get_user_model().objects.all()

    def clean_voice(self):
        return self.cleaned_data["voice"].upper()


class Names(forms.Field):
    """A project's own, which takes a list though its widget is that of a text."""

    def to_python(self, value):
        return [name.upper() for name in value or []]


class EveryForm(forms.Form):
    """A field of each kind."""

    day = forms.DateField(required=False)
    time = forms.TimeField(required=False)
    moment = forms.DateTimeField(required=False)
    parts = forms.SplitDateTimeField(required=False)
    address = forms.GenericIPAddressField(required=False)
    name = forms.CharField(required=False)
    count = forms.IntegerField(required=False)
    weight = forms.FloatField(required=False)
    loud = forms.BooleanField(required=False)
    sure = forms.NullBooleanField(required=False)
    voice = forms.ChoiceField(choices=[("1", "one"), ("2", "two")], required=False)
    voices = forms.MultipleChoiceField(choices=[("1", "one"), ("2", "two")], required=False)
    owner = forms.ModelChoiceField(queryset=get_user_model().objects.all(), required=False)
    owners = forms.ModelMultipleChoiceField(queryset=get_user_model().objects.all(), required=False)
    settings = forms.JSONField(required=False)
    names = Names(required=False)


class DayForm(forms.Form):
    day = forms.DateField()


form = Stream(Asking, input_form=SettingsForm)
day = Stream(Asking, input_form=DayForm)


@pytest.fixture(autouse=True)
def streams(settings):
    settings.RTC_STREAMS = {name: f"{__name__}.{name}" for name in ("form", "day")}


@pytest.mark.parametrize(
    "message",
    [
        {"inputs": {"speed": "3", "voice": "deep"}},
        {"inputs": ["deep", 3]},
        {"speed": 3, "voice": "deep"},
        {"speed": 3, "voice": "deep", "unknown": 5},
    ],
)
async def test_a_form_cleans_the_values(message):
    phone = await Phone("form").start()
    assert await post({"webrtc_id": "a", **message}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", "DEEP", 3, None]
    await phone.hang_up()


async def test_one_value_is_the_first_field():
    phone = await Phone("form").start()
    assert await post({"webrtc_id": "a", "inputs": "high"}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", "HIGH", None, None]
    await phone.hang_up()


async def test_a_form_may_read_the_database(django_user_model):
    user = await django_user_model.objects.acreate(username="ann")
    phone = await Phone("form").start()
    assert await post({"webrtc_id": "a", "inputs": {"voice": "deep", "owner": user.pk}}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", "DEEP", None, "<User: ann>"]
    await phone.hang_up()
    await ended("a")
    # What the client sent is on record, and not what the form made of it.
    assert json.loads((await Input.objects.aget()).payload) == [{"voice": "deep", "owner": user.pk}]


async def test_of_a_long_input_too_what_the_client_sent_is_on_record():
    phone = await Phone("form").start()
    sent = json.dumps({"webrtc_id": "a", "voice": "deep", "more": "x" * 100_000})
    assert await post(sent.encode()) == OK
    await phone.hang_up()
    await ended("a")
    record = await Input.objects.aget()
    assert (record.payload, record.size) == (sent[:10_000], len(sent))


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ({"inputs": {"voice": "odd", "speed": 0}}, {"voice", "speed"}),
        ({"inputs": {}}, {"voice"}),
        ({}, {"voice"}),
        ({"inputs": [None]}, {"voice"}),
        ({"inputs": ["deep", {"a": []}]}, {"speed"}),
        ({"inputs": ["deep", 1, [1]]}, {"owner"}),
        ({"inputs": ["deep", 1, "\ud800\0"]}, {"owner"}),
        ({"inputs": ["deep", 1, 10**40]}, {"owner"}),
        ({"inputs": ["deep", 1, 1, 1]}, set()),
    ],
)
async def test_what_a_form_refuses_does_not_reach_the_handler(message, fields):
    phone = await Phone("form").start()
    status, answer = await post({"webrtc_id": "a", **message})
    assert (status, answer["error"], set(answer["errors"])) == (400, "invalid_inputs", fields)
    assert all(error["message"] for errors in answer["errors"].values() for error in errors)
    assert await post({"webrtc_id": "a", "inputs": "deep"}) == OK
    assert (await phone.hear("got"))[1] == "DEEP"
    await phone.hang_up()


@pytest.mark.parametrize("value", [[5], [["2024-01-01"]], {"day": {}}, {"day": {"a": 1}}, [True], [1.5]])
async def test_a_field_of_text_refuses_what_is_none(value):
    phone = await Phone("day").start()
    status, answer = await post({"webrtc_id": "a", "inputs": value})
    assert (status, answer["error"], set(answer["errors"])) == (400, "invalid_inputs", {"day"})
    assert await post({"webrtc_id": "a", "inputs": "2024-01-01"}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", repr(datetime.date(2024, 1, 1))]
    await phone.hang_up()


SINGLE = ["day", "time", "moment", "address", "name", "count", "weight", "loud", "sure", "voice", "owner"]
INFINITE = json.loads("1e400")
DEEP = json.loads("[" * 900 + "]" * 900)


def refused(**values):
    with pytest.raises(Refusal) as caught:
        inputs.cleaned(EveryForm, {"inputs": values})
    assert caught.value.status == 400
    return set(caught.value.more["errors"])


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("value", [["1"], [[1]], [{}], [None], {"a": 1}])
def test_a_field_of_one_value_takes_no_list_and_no_object(name, value):
    assert refused(**{name: value}) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("day", "time", "moment", "address") for value in (5, 0, 1.5, True, False)),
        ("weight", 10**400),
        ("settings", "9" * 5_000),  # more digits than Python makes a number of
        ("owner", DEEP),
        ("owner", INFINITE),
        ("owners", [INFINITE]),
        ("voices", {"1": 1}),
        ("voices", 1),
    ],
)
def test_no_value_makes_a_field_fail(name, value):
    assert refused(**{name: value}) == {name}


@pytest.mark.parametrize("value", [5, ["2024-01-01"], {"a": 1}])
def test_a_part_of_a_field_is_refused_with_the_field(value):
    assert refused(parts_0=value, parts_1="10:00") == {"parts"}


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("name", 5, "5"),
        ("count", 5, 5),
        ("weight", 5, 5.0),
        ("loud", True, True),
        ("loud", False, False),
        ("sure", False, False),
        ("voice", 1, "1"),
        ("voices", [1, "2"], ["1", "2"]),
        ("settings", {"a": [1]}, {"a": [1]}),
        ("settings", [{"a": 1}], [{"a": 1}]),
        ("settings", True, True),
        ("names", ["ann"], ["ANN"]),
    ],
)
def test_a_field_takes_what_it_can_make_something_of(name, value, made):
    sent = {name: value}
    assert inputs.cleaned(EveryForm, {"inputs": sent})[list(EveryForm.base_fields).index(name)] == made
    assert sent == {name: value}
