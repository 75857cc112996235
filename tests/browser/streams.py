"""Streams for what a page shows."""

from collections.abc import Iterator

import numpy as np
from django import forms

from rtc import AdditionalOutputs, AsyncStreamHandler, ReplyOnPause, Stream
from rtc.handlers import AudioEmitType
from tests.live.tones import sine

RATE = 24000
Frame = tuple[int, np.ndarray]


class Booking(forms.Form):
    name = forms.CharField(label="Name", max_length=20)
    nights = forms.IntegerField(label="Nights", min_value=1, max_value=14, initial=2, help_text="At most two weeks.")
    room = forms.ChoiceField(label="Room", choices=[("garden", "To the garden"), ("street", "To the street")])
    extras = forms.MultipleChoiceField(
        label="Extras",
        choices=[("breakfast", "Breakfast"), ("parking", "Parking")],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Besides the bed.",
    )
    smoker = forms.BooleanField(label="Smoking room", required=False)


class Newsletters(forms.Form):
    letters = forms.MultipleChoiceField(
        label="Letters", choices=[("garden", "Garden")], required=False, widget=forms.CheckboxSelectMultiple
    )
    ways = forms.MultipleChoiceField(label="Ways", choices=[("post", "By post")], required=False)


class Reception(AsyncStreamHandler):
    """Asks for a booking, again and again, and says what it has understood."""

    async def receive(self, frame: object) -> None:
        pass

    async def emit(self) -> AudioEmitType:
        await self.wait_for_args()
        self.reset()
        return AdditionalOutputs({"booked": self.latest_args[1:]})


def hum(audio: Frame) -> Iterator[Frame]:
    while True:
        yield RATE, sine(440, 0.1, RATE)


form = Stream(Reception, name="Reception", description="Books a room.", input_form=Booking)
letters = Stream(Reception, name="Letters", input_form=Newsletters)
talkative = Stream(ReplyOnPause(hum))
