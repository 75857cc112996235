from django import forms

from rtc import Stream
from tests.live.hook_streams import Answering
from tests.live.settings import *  # noqa: F403

RTC_STREAMS = {
    "answering": "tests.live.hook_streams.answering",
    "echo": "tests.live.hook_streams.echo_of_inputs",
    "form": "tests.live.across_settings.with_form",
}
RTC_OUTPUTS_POLL_S = 30.0  # whoever reads within that time was told
RTC_MESSAGE_CHARS = 1_000
RTC_HEARTBEAT_S = 2.0
RTC_DRAIN_S = 1.5


class CityForm(forms.Form):
    city = forms.CharField()
    day = forms.DateField()


with_form = Stream(Answering, input_form=CityForm)
