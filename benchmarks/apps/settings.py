"""The smallest Django project that serves the echo. The database is a file the run makes."""

from __future__ import annotations

import os

SECRET_KEY = "benchmarks only"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "benchmarks.apps.urls"
ASGI_APPLICATION = "benchmarks.apps.ours.application"
EVENTSTREAM_STORAGE_CLASS = "rtc.outputs.OutputStorage"
# The servers are started without manage.py, and nobody asks for a path that is not there.
SILENCED_SYSTEM_CHECKS = ["rtc.W002", "rtc.W004"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels",
    "django_eventstream",
    "rtc",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BENCHMARKS_DATABASE", ":memory:"),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
RTC_STREAMS = {
    "default": "benchmarks.apps.echo.stream",
    "blocking": "benchmarks.apps.blocking_echo.stream",
    "computing": "benchmarks.apps.computing.stream",
    "talkative": "benchmarks.apps.talkative.stream",
}
