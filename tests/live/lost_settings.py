"""A worker that is killed is soon taken for lost."""

from tests.live.race_settings import *  # noqa: F403

RTC_WORKER_LOST_S = 1.5
SILENCED_SYSTEM_CHECKS = ["rtc.E004"]  # a worker is lost early here
