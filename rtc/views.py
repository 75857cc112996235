"""The pages: the list of streams, and one stream's client."""

from typing import Any

from django.http import Http404
from django.urls import reverse
from django.views.generic import TemplateView

from rtc.conf import conf
from rtc.directory import DEFAULT_ALIAS, get_stream


def describe(alias: str) -> dict[str, Any]:
    """What the pages show of a stream. Raises: Http404."""
    stream = get_stream(alias)
    if stream is None:
        raise Http404(f"There is no stream {alias!r}.")
    root = reverse("rtc:streams")
    handler = stream.new_handler()
    return {
        "alias": alias,
        "name": stream.name or alias.replace("-", " ").replace("_", " ").capitalize(),
        "description": stream.description,
        "mode": stream.mode,
        "modality": stream.modality,
        "url": reverse("rtc:client", args=[alias]),
        "websocket_path": f"{root}websocket/offer" if alias == DEFAULT_ALIAS else f"{root}{alias}/websocket/offer",
        "input_sample_rate": handler.input_sample_rate,
        "output_sample_rate": handler.output_sample_rate,
    }


class StreamListView(TemplateView):
    template_name = "rtc/stream_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(streams=[describe(alias) for alias in conf.RTC_STREAMS], **kwargs)


class ClientView(TemplateView):
    template_name = "rtc/client.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(stream=describe(kwargs["alias"]), **kwargs)
