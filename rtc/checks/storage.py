"""Where outputs, records and messages between workers are kept."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, router
from django.utils import timezone
from django.utils.module_loading import import_string

from rtc.conf import conf
from rtc.models import Session, Worker

STORAGE_CLASS = "rtc.outputs.OutputStorage"
IN_MEMORY = "channels.layers.InMemoryChannelLayer"
FRAGILE = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
USE_REDIS = (
    f'CHANNEL_LAYERS = {{"default": {{"BACKEND": "{PUBSUB}", "CONFIG": {{"hosts": ["redis://127.0.0.1:6379/0"]}}}}}}'
)
SQLITE_OPTIONS = """\
DATABASES["default"]["OPTIONS"] = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}"""


@register()
def check_event_stream(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    storage = getattr(settings, "EVENTSTREAM_STORAGE_CLASS", None)
    if storage != STORAGE_CLASS:
        text = f"EVENTSTREAM_STORAGE_CLASS is {storage!r}: /outputs can't read what handlers put out."
        hint = f'EVENTSTREAM_STORAGE_CLASS = "{STORAGE_CLASS}"'
        found.append(Error(text, hint=hint, id="rtc.E011"))
    if hasattr(settings, "EVENTSTREAM_REDIS"):
        text = "EVENTSTREAM_REDIS is defined: django-eventstream's Redis listener never comes back after an outage."
        hint = "Delete the setting, also where it is None; rtc's outputs reach other workers without it."
        found.append(Warning(text, hint=hint, id="rtc.W005"))
    return found


@register()
def check_database(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    connection = connections[router.db_for_write(Session)]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return []
    options = connection.settings_dict["OPTIONS"]
    missing = list(_missing(options))
    if not missing:
        return []
    text = f'The SQLite database has no {" and no ".join(missing)}: writers will meet "database is locked".'
    return [Warning(text, hint=f"In settings.py:\n{SQLITE_OPTIONS}", id="rtc.W006")]


@register()
def check_time_zone(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    text = "USE_TZ is False: the moments of databases and of processes can't be compared without time zones."
    return [Error(text, hint="USE_TZ = True", id="rtc.E015")]


@register()
def check_routers(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Limits and endings are exact because all workers read what they wrote: a replica lags."""
    elsewhere = {
        database
        for model in apps.get_app_config("rtc").get_models()
        for database in (router.db_for_read(model), router.db_for_write(model))
        if database != DEFAULT_DB_ALIAS
    }
    if not elsewhere:
        return []
    text = (
        f"DATABASE_ROUTERS send rtc's tables to {', '.join(sorted(elsewhere))}; they are read and written in default."
    )
    hint = 'In your router, for models whose _meta.app_label is "rtc": return "default".'
    return [Error(text, hint=hint, id="rtc.E016")]


def _missing(options: dict[str, Any]) -> Iterator[str]:
    command = options.get("init_command", "").lower().replace(" ", "")
    if "journal_mode=wal" not in command:
        yield "WAL"
    if str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
        yield "IMMEDIATE transactions"


@register()
def check_channel_layer(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    backend = channel_layer()
    if not backend:
        hint = f'For one process: CHANNEL_LAYERS = {{"default": {{"BACKEND": "{IN_MEMORY}"}}}}'
        return [Warning("There is no channel layer.", hint=hint, id="rtc.W007")]
    try:
        import_string(backend)
    except ImportError as error:  # each call would be refused, and only the log would say why
        text = f"CHANNEL_LAYERS names {backend!r}, which can't be imported: {error}."
        hint = "pip install channels_redis" if backend.startswith("channels_redis.") else "Correct its BACKEND."
        return [Error(text, hint=hint, id="rtc.E017")]
    if backend == FRAGILE:
        text = "RedisChannelLayer loses its consumers when Redis restarts."
        return [Warning(text, hint=USE_REDIS, id="rtc.W009")]
    workers = os.environ.get("WEB_CONCURRENCY", "")
    if backend == IN_MEMORY and workers.isdigit() and int(workers) > 1:
        text = f"WEB_CONCURRENCY asks for {workers} workers, and an in-memory channel layer joins none."
        return [Error(text, hint=USE_REDIS, id="rtc.E013")]
    return []


@register(Tags.database)
def check_workers(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whether workers that live now can reach each other."""
    alias = router.db_for_read(Worker)
    if channel_layer() != IN_MEMORY or alias not in (databases or ()):
        return []
    since = timezone.now() - timedelta(seconds=conf.RTC_WORKER_LOST_S)
    try:
        count = Worker.objects.using(alias).filter(ended_at=None, last_beat_at__gt=since).count()
    except DatabaseError:  # not migrated yet, or away
        return []
    if count < 2:
        return []
    text = f"{count} workers live on this database, and an in-memory channel layer joins none."
    return [Warning(text, hint=USE_REDIS, id="rtc.W008")]


def channel_layer() -> str:
    """The dotted path of the default channel layer; empty when there is none."""
    return getattr(settings, "CHANNEL_LAYERS", {}).get("default", {}).get("BACKEND", "")
