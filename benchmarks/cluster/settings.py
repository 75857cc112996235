"""The project of benchmarks/apps with inputs and outputs, its workers joined by Redis."""

from __future__ import annotations

import os

import dj_database_url

from benchmarks.apps.settings import *  # noqa: F403
from benchmarks.apps.settings import DATABASES

ROOT_URLCONF = "benchmarks.cluster.urls"
ASGI_APPLICATION = "benchmarks.cluster.asgi.application"
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
EVENTSTREAM_STORAGE_CLASS = "rtc.outputs.OutputStorage"
if database_url := os.environ.get("DATABASE_URL"):
    DATABASES = {"default": dj_database_url.parse(database_url)}
if redis_url := os.environ.get("REDIS_URL"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [
                    {
                        "address": redis_url,
                        "socket_connect_timeout": 2,
                        "socket_timeout": 5,
                        "health_check_interval": 15,
                    }
                ]
            },
        }
    }
RTC_STREAMS = {
    "default": "benchmarks.apps.echo.stream",
    "busy": "benchmarks.cluster.streams.busy",
}
RTC_IDLE_TIMEOUT_S = None  # its callers of `busy` say nothing
