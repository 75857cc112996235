"""System checks."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from rtc.conf import conf
from rtc.directory import get_stream

RESERVED_ALIASES = {"websocket", "input_hook", "outputs", "admin", "static", "telephone"}


@register()
def check_streams(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    for alias in conf.RTC_STREAMS:
        if alias in RESERVED_ALIASES:
            errors.append(
                Error(f"RTC_STREAMS: {alias!r} is a path of rtc's own.", hint="Choose another alias.", id="rtc.E002")
            )
        try:
            get_stream(alias)
        except ImproperlyConfigured as error:
            errors.append(Error(str(error), hint="Name a module-level Stream by its dotted path.", id="rtc.E001"))
    return errors
