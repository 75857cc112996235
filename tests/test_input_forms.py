"""`Stream(input_form=…)`: what a Django form makes of inputs."""

import json

import pytest
from django import forms
from django.contrib.auth import get_user_model

from rtc import Stream
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


form = Stream(Asking, input_form=SettingsForm)


@pytest.fixture(autouse=True)
def streams(settings):
    settings.RTC_STREAMS = {name: f"{__name__}.{name}" for name in ("form",)}


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
