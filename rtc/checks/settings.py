"""Each `RTC_…` setting by the type that `conf` declares for it, and by its range."""

import difflib
import math
import types
from collections.abc import Iterator, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from rtc.conf import Conf, conf

PREFIX = "RTC_"
NAMES = [name for name in vars(Conf) if name.startswith(PREFIX)]
POSITIVE = {
    "RTC_ADMISSION_QUEUE",
    "RTC_ADMISSION_TIMEOUT_S",
    "RTC_ANSWER_TIMEOUT_S",
    "RTC_CLOSE_HANDSHAKE_S",
    "RTC_DATABASE_PATIENCE_S",
    "RTC_ERROR_WINDOW_S",
    "RTC_HEARTBEAT_S",
    "RTC_IDLE_TIMEOUT_S",
    "RTC_INPUT_QUEUE_MS",
    "RTC_INPUT_TIMEOUT_S",
    "RTC_LEASE_S",
    "RTC_MAX_AUDIO_BYTES",
    "RTC_MAX_FRAMES_PER_S",
    "RTC_MAX_INPUT_BYTES",
    "RTC_MAX_LAG_MS",
    "RTC_MAX_UNSENT_BYTES",
    "RTC_MAX_UTTERANCE_S",
    "RTC_OUTPUTS_POLL_S",
    "RTC_OUTPUT_QUEUE",
    "RTC_OUTPUT_QUEUE_MS",
    "RTC_START_TIMEOUT_S",
    "RTC_SWITCH_INTERVAL_MS",
    "RTC_TICKET_MAX_AGE_S",
    "RTC_WORKER_FENCE_S",
    "RTC_WORKER_LOST_S",
}
"""What makes no sense at 0. No setting makes sense below."""

WORDS = {
    bool: "True or False",
    dict: "a dict",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "a text",
    type(None): "None",
}


@register()
def check_settings(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    given = [name for name in NAMES if hasattr(settings, name)]
    problems = [problem for name in given if (problem := problem_of(name, getattr(settings, name)))]
    errors = [_wrong(problem) for problem in problems or _relations()]
    return [*errors, *_unknown()]


def problem_of(name: str, value: Any) -> str:
    """What is wrong with the value of that setting; empty when nothing is."""
    hint = hint_of(name)
    if not fits(value, hint):
        return f"{name} is {value!r}, not {describe(hint)}."
    if name == "RTC_ALLOWED_ORIGINS":
        return next((f"{name}: {origin!r} is no origin." for origin in value if not _is_origin(origin)), "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0:
            return f"{name} is {value!r}, which is below 0."
        if value == 0 and name in POSITIVE:
            return f"{name} is 0, which leaves no room for anything."
    return ""


def hint_of(name: str) -> Any:
    return get_type_hints(vars(Conf)[name].fget)["return"]


def fits(value: Any, hint: Any) -> bool:
    """Whether a setting of that type may have the value. A tuple or set does for a list, a whole number for a float."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is list:
        return isinstance(value, list | tuple | set | frozenset) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        key, item = arguments
        return isinstance(value, dict) and all(fits(k, key) and fits(v, item) for k, v in value.items())
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    if hint is int:
        return type(value) is int
    return hint is Any or isinstance(value, hint)


def describe(hint: Any) -> str:
    """The type in words."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(describe(one) for one in get_args(hint))
    contents = get_args(hint)
    word = WORDS.get(get_origin(hint) or hint, str(hint))
    return f"{word} of texts" if contents and set(contents) == {str} else word


def _is_origin(text: str) -> bool:
    """RFC 6454: scheme, host and port, nothing behind."""
    parts = urlsplit(text)
    return text == "*" or (bool(parts.scheme and parts.netloc) and text == f"{parts.scheme}://{parts.netloc}")


def _relations() -> Iterator[str]:
    if conf.RTC_WORKER_LOST_S <= conf.RTC_HEARTBEAT_S:
        yield (
            f"RTC_WORKER_LOST_S is {conf.RTC_WORKER_LOST_S:g}: a worker that records every "
            f"{conf.RTC_HEARTBEAT_S:g} s that it lives would be taken for lost."
        )
    if conf.RTC_WORKER_FENCE_S >= conf.RTC_WORKER_LOST_S:
        yield (
            f"RTC_WORKER_FENCE_S is {conf.RTC_WORKER_FENCE_S:g}: a session could go on that others ended after "
            f"{conf.RTC_WORKER_LOST_S:g} s."
        )


def _wrong(problem: str) -> CheckMessage:
    name = problem.split(maxsplit=1)[0].rstrip(":")
    if name == "RTC_ALLOWED_ORIGINS":
        hint = 'An origin has a scheme and no path: RTC_ALLOWED_ORIGINS = ["https://shop.example"]'
    elif name == "RTC_STREAMS":
        hint = 'RTC_STREAMS = {"default": "shop.voice.echo"}'
    else:
        hint = f"docs/settings.md has its unit; without it, it is {_default(name)!r}: {name} = {_default(name)!r}"
    return Error(problem, hint=hint, id="rtc.E004")


def _default(name: str) -> Any:
    """What `conf` says where the project says nothing."""

    class Defaults(Conf):
        @staticmethod
        def _get(name: str, default: Any) -> Any:
            return default

    return getattr(Defaults(), name)


def _unknown() -> Iterator[CheckMessage]:
    for name in dir(settings):
        if name.startswith(PREFIX) and name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 1)
            hint = f"Did you mean {near[0]}?" if near else "docs/settings.md lists them all."
            yield Warning(f"{name} is no setting of rtc.", hint=hint, id="rtc.W001")
