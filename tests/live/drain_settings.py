from tests.live.settings import *  # noqa: F403

RTC_DRAIN_S = 20.0
