"""`{% load rtc %}{% voice_client "default" %}`: the voice widget in any template of any project."""

import json
import secrets
from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from rtc.conf import conf
from rtc.csp import project_nonce
from rtc.descriptions import describe
from rtc.directory import DEFAULT_ALIAS, get_stream
from rtc.modules import module_urls
from rtc.ownership import keep_owner_key
from rtc.words import translated

register = template.Library()

ID_BYTES = 4
LINKED = "rtc_assets_linked"

register.simple_tag(module_urls, name="voice_modules")


@register.simple_tag(takes_context=True)
def voice_client(
    context: template.Context,
    alias: str = DEFAULT_ALIAS,
    *,
    title: str = "",
    params: dict[str, Any] | None = None,
    template: str = "rtc/voice_client.html",  # the tag's argument, as in `template="shop/talk.html"`
) -> SafeString:
    """The widget of one stream. There may be several on a page; the first one brings style sheet and script along.

    Args:
        title: a heading inside the widget.
        params: what the handler finds in `session.params`. The page's visitor can read and change it.
        template: one that extends `rtc/voice_client.html`.

    Raises:
        ImproperlyConfigured: there is no stream of that alias.
    """
    stream = get_stream(alias)
    if stream is None:
        known = ", ".join(conf.RTC_STREAMS) or "none"
        raise ImproperlyConfigured(f"voice_client: there is no stream {alias!r} in RTC_STREAMS, but {known}.")
    request = context.get("request")
    keep_owner_key(getattr(request, "session", None))
    described = describe(alias, stream)
    widget_id = f"rtc-{secrets.token_hex(ID_BYTES)}"
    form_class = described["input_form"]
    linked = context.render_context.get(LINKED, False)
    context.render_context[LINKED] = True
    return render_to_string(
        template,
        {
            "stream": described,
            "widget_id": widget_id,
            "title": title,
            "params_json": json.dumps(params) if params else "",
            "words_json": json.dumps(translated(), ensure_ascii=False),
            "input_form": form_class(auto_id=f"{widget_id}-%s") if form_class is not None else None,
            "link_assets": not linked,
            "csp_nonce": context.get("csp_nonce") or project_nonce(request),
        },
        request=request,
    )
