"""The pages: the list of streams, one stream's client, and how to connect to it."""

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.generic import TemplateView

from rtc import csp
from rtc.conf import conf
from rtc.descriptions import describe
from rtc.directory import get_stream


def description_or_404(alias: str) -> dict[str, Any]:
    stream = get_stream(alias)
    if stream is None:
        raise Http404(f"There is no stream {alias!r}.")
    return describe(alias, stream)


class PageView(TemplateView):
    """A page under a strict Content-Security-Policy; where the project's own middleware has one, under that."""

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        own = csp.project_nonce(self.request)
        nonce = own or csp.new_nonce()
        response = super().render_to_response({**context, "csp_nonce": nonce}, **response_kwargs)
        if not own and conf.RTC_CONTENT_SECURITY_POLICY:
            response.headers["Content-Security-Policy"] = csp.policy(self.request, nonce)
        return response


class StreamListView(PageView):
    template_name = "rtc/stream_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        streams = [description_or_404(alias) for alias in conf.RTC_STREAMS]
        return super().get_context_data(streams=streams, **kwargs)


class ClientView(PageView):
    template_name = "rtc/client.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(stream=description_or_404(kwargs["alias"]), **kwargs)


class DocsView(PageView):
    """How to connect to one stream, with addresses and examples that are its own."""

    template_name = "rtc/docs.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        stream = description_or_404(kwargs["alias"])
        absolute = self.request.build_absolute_uri
        urls = {
            "websocket": absolute(stream["websocket_path"]).replace("http", "ws", 1),
            "outputs": absolute(stream["outputs_path"]),
            "input": absolute(stream["input_path"]),
            "client": absolute(static("rtc/client.js")),
            "streams": absolute(reverse("rtc:streams")),
        }
        form = stream["input_form"]
        fields = list(form.base_fields) if form is not None else []
        example = json.dumps(dict.fromkeys(fields, "your input") if fields else ["your input"])
        return super().get_context_data(stream=stream, urls=urls, input_fields=fields, input_example=example, **kwargs)
