from tests.live.settings import *  # noqa: F403

RTC_STREAMS = {
    **RTC_STREAMS,  # noqa: F405
    "ten": "tests.live.race_streams.ten",
}
RTC_HEARTBEAT_S = 0.2
# A machine that stalls is none of these tests' business: places of workers that are lost are free again.
RTC_WORKER_FENCE_S = 20.0
RTC_WORKER_LOST_S = 30.0
