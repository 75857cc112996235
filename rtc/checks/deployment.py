"""What `manage.py check --deploy` says besides: what is fine at home and not on the Internet."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from rtc.checks.storage import IN_MEMORY, USE_REDIS, channel_layer
from rtc.conf import conf
from rtc.directory import get_stream
from rtc.streams import Stream


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return [*_of_settings(), *_of_streams()]


def _of_settings() -> Iterator[CheckMessage]:
    if "*" in conf.RTC_ALLOWED_ORIGINS:
        hint = 'Name them, RTC_ALLOWED_ORIGINS = ["https://shop.example"], or give their pages tickets.'
        yield Warning("RTC_ALLOWED_ORIGINS lets the pages of every site connect.", hint=hint, id="rtc.W010")
    if channel_layer() == IN_MEMORY:
        text = "The channel layer is in memory: inputs and outputs reach one worker only."
        yield Warning(text, hint=USE_REDIS, id="rtc.W011")
    if conf.RTC_IDLE_TIMEOUT_S is None:
        text = "Sessions whose clients have gone silent never end."
        yield Warning(text, hint="RTC_IDLE_TIMEOUT_S = 60.0", id="rtc.W012")
    if conf.RTC_SHOW_HANDLER_ERRORS:
        text = "Clients are told what a handler's exception said."
        yield Warning(text, hint="RTC_SHOW_HANDLER_ERRORS = False", id="rtc.W013")


def _of_streams() -> Iterator[CheckMessage]:
    unlimited, endless = [], []
    for alias, stream in _streams():
        if stream.concurrency_limit is None:
            unlimited.append(alias)
        if stream.time_limit is None:
            endless.append(alias)
    if unlimited and conf.RTC_CONCURRENCY_LIMIT is None:
        text = f"No limit on how many sessions run at once: {', '.join(unlimited)}."
        hint = "Stream(…, concurrency_limit=20) for each, or RTC_CONCURRENCY_LIMIT = 100 for all."
        yield Warning(text, hint=hint, id="rtc.W014")
    if endless:
        text = f"No limit on how long a session may last: {', '.join(endless)}."
        yield Warning(text, hint="Stream(…, time_limit=600)", id="rtc.W015")


def _streams() -> Iterator[tuple[str, Stream]]:
    for alias in conf.RTC_STREAMS if isinstance(conf.RTC_STREAMS, dict) else ():
        try:
            stream = get_stream(alias)
        except ImproperlyConfigured:
            continue  # rtc.E001 says so
        if stream is not None:
            yield alias, stream
