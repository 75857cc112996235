"""What pages and widgets show of a stream."""

from typing import Any

from django.urls import reverse

from rtc.directory import DEFAULT_ALIAS
from rtc.streams import Stream

WEBSOCKET_MODALITIES = {"audio"}


def describe(alias: str, stream: Stream) -> dict[str, Any]:
    root = reverse("rtc:streams")
    input_sample_rate, output_sample_rate = stream.sample_rates()
    return {
        "alias": alias,
        "name": stream.name or alias.replace("-", " ").replace("_", " ").capitalize(),
        "description": stream.description,
        "mode": stream.mode,
        "modality": stream.modality,
        "has_websocket": stream.modality in WEBSOCKET_MODALITIES,
        "takes_audio": stream.takes_audio,
        "sends_audio": stream.sends_audio,
        "url": reverse("rtc:client", args=[alias]),
        "docs_url": reverse("rtc:docs", args=[alias]),
        "websocket_path": f"{root}websocket/offer" if alias == DEFAULT_ALIAS else f"{root}{alias}/websocket/offer",
        "outputs_path": reverse("rtc:outputs"),
        "input_path": reverse("rtc:input_hook"),
        "input_form": stream.input_form,
        "input_sample_rate": input_sample_rate,
        "output_sample_rate": output_sample_rate,
        "concurrency_limit": stream.concurrency_limit,
        "time_limit": stream.time_limit,
    }
