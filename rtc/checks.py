"""System checks."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from rtc.conf import conf
from rtc.directory import get_stream

RESERVED_ALIASES = {
    "websocket",
    "input_hook",
    "outputs",
    "admin",
    "static",
    "telephone",
    "healthz",
    "readyz",
    "metrics",
}


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


@register()
def check_fencing(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if conf.RTC_WORKER_FENCE_S < conf.RTC_WORKER_LOST_S:
        return []
    text = "RTC_WORKER_FENCE_S is not less than RTC_WORKER_LOST_S: a session may go on that others have ended."
    return [Error(text, hint="Leave some seconds between them.", id="rtc.E003")]


@register()
def check_channel_layer(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    backend = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {}).get("BACKEND", "")
    if backend != "channels_redis.core.RedisChannelLayer":
        return []
    text = "Messages between workers don't survive a restart of Redis on channels_redis.core.RedisChannelLayer."
    return [Warning(text, hint="Use channels_redis.pubsub.RedisPubSubChannelLayer.", id="rtc.W001")]
