from tests.live.settings import *  # noqa: F403

RTC_DRAIN_S = 20.0
RTC_HEARTBEAT_S = 0.5
RTC_WORKER_LOST_S = 3.0
