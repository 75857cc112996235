"""What `RTC_STREAMS` names."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.forms import Form

from rtc.conf import conf
from rtc.directory import get_stream
from rtc.models import Session

RESERVED_ALIASES = {
    "admin",
    "docs",
    "healthz",
    "input_hook",
    "metrics",
    "outputs",
    "readyz",
    "static",
    "telephone",
    "websocket",
}
NAME_IT = 'Name a module-level Stream by its dotted path: RTC_STREAMS = {"default": "shop.voice.echo"}'
SLUG = re.compile(r"[-a-zA-Z0-9_]+", re.ASCII)
MAX_ALIAS: int = Session._meta.get_field("stream").max_length or 0


@register()
def check_streams(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    streams = conf.RTC_STREAMS
    if not isinstance(streams, dict):
        return []  # rtc.E004 says so
    return [error for alias, path in streams.items() for error in (*_of_alias(alias), *_of_path(alias, path))]


def _of_alias(alias: Any) -> Iterator[CheckMessage]:
    if alias in RESERVED_ALIASES:
        yield Error(f"RTC_STREAMS: {alias!r} is a path of rtc's own.", hint="Choose another alias.", id="rtc.E002")
    if not isinstance(alias, str) or not SLUG.fullmatch(alias) or len(alias) > MAX_ALIAS:
        yield Error(
            f"RTC_STREAMS: {alias!r} can't be part of an address.",
            hint=f'An alias is 1 to {MAX_ALIAS} of A-Z a-z 0-9 _ and -, such as "front-desk".',
            id="rtc.E003",
        )


def _of_path(alias: Any, path: Any) -> Iterator[CheckMessage]:
    if not isinstance(path, str):
        return  # rtc.E004 says so
    try:
        stream = get_stream(alias)
    except ImproperlyConfigured as error:
        found = isinstance(error.__cause__, ImproperlyConfigured)  # which says itself what to do
        yield Error(str(error), hint=None if found else NAME_IT, id="rtc.E001")
        return
    if stream is not None and stream.input_form is not None:
        yield from _of_form(alias, stream.input_form)


def _of_form(alias: str, form: type[Form]) -> Iterator[CheckMessage]:
    files = [name for name, field in form.base_fields.items() if field.widget.needs_multipart_form]
    if files:
        yield Error(
            f"RTC_STREAMS: the form of {alias!r} asks for files ({', '.join(files)}), and inputs are JSON.",
            hint="Take files by a page of your own, and have the form ask for their names, say.",
            id="rtc.E014",
        )
