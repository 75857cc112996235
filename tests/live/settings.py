from fastrtc_project.settings import *  # noqa: F403
from fastrtc_project.settings import RTC_STREAMS as DEMO_STREAMS

RTC_STREAMS = {
    **DEMO_STREAMS,
    "exact": "tests.live.streams.exact_echo",
}
