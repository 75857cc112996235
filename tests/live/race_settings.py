from tests.live.settings import *  # noqa: F403

RTC_STREAMS = {
    **RTC_STREAMS,  # noqa: F405
    "ten": "tests.live.race_streams.ten",
}
RTC_HEARTBEAT_S = 0.2
RTC_WORKER_LOST_S = 1.5
RTC_WORKER_FENCE_S = 20.0  # a disk that stalls is none of these tests' business
SILENCED_SYSTEM_CHECKS = ["rtc.E004"]  # a worker is lost early here
