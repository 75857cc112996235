"""Streams for what a page shows."""

from django import forms

from rtc import AdditionalOutputs, AsyncStreamHandler, Stream
from rtc.handlers import AudioEmitType


class Booking(forms.Form):
    name = forms.CharField(label="Name", max_length=20)
    nights = forms.IntegerField(label="Nights", min_value=1, max_value=14, initial=2, help_text="At most two weeks.")
    room = forms.ChoiceField(label="Room", choices=[("garden", "To the garden"), ("street", "To the street")])
    extras = forms.MultipleChoiceField(
        label="Extras",
        choices=[("breakfast", "Breakfast"), ("parking", "Parking")],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    smoker = forms.BooleanField(label="Smoking room", required=False)


class Reception(AsyncStreamHandler):
    """Asks for a booking, again and again, and says what it has understood."""

    async def receive(self, frame: object) -> None:
        pass

    async def emit(self) -> AudioEmitType:
        await self.wait_for_args()
        self.reset()
        return AdditionalOutputs({"booked": self.latest_args[1:]})


form = Stream(Reception, name="Reception", description="Books a room.", input_form=Booking)
