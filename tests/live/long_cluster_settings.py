"""Several workers, with every wait as long as it is by default."""

from tests.live.settings import *  # noqa: F403
from tests.live.settings import INSTALLED_APPS as LIVE_APPS
from tests.live.settings import RTC_STREAMS as LIVE_STREAMS

INSTALLED_APPS = [*LIVE_APPS, "tests.live.apps.LiveConfig"]

RTC_STREAMS = {
    **LIVE_STREAMS,
    "default": "tests.live.cluster_streams.echo",
    "busy": "tests.live.cluster_streams.busy",
}
RTC_DRAIN_S = 30.0
RTC_CONCURRENCY_LIMIT = 80
