from tests.live.settings import *  # noqa: F403
from tests.live.settings import RTC_STREAMS as LIVE_STREAMS

RTC_STREAMS = {
    **LIVE_STREAMS,
    "counting": "tests.live.output_streams.counting",
    "valued": "tests.live.output_streams.valued",
    "live-echo": "tests.live.output_streams.live_echo",
}
RTC_OUTPUTS_WAIT_S = 1.5
RTC_HEARTBEAT_S = 0.5
RTC_WORKER_LOST_S = 2.0
RTC_OUTPUTS_POLL_S = 0.5
RTC_WORKER_FENCE_S = 20.0  # a disk that stalls is none of these tests' business
SILENCED_SYSTEM_CHECKS = ["rtc.E004"]  # a worker is lost early here
