from fastrtc_project.settings import *  # noqa: F403
from fastrtc_project.settings import RTC_STREAMS as DEMO_STREAMS

RTC_STREAMS = {
    **DEMO_STREAMS,
    "exact": "tests.live.streams.exact_echo",
    "exact-16000": "tests.live.streams.exact_echo_16000",
    "exact-48000": "tests.live.streams.exact_echo_48000",
    "blocking": "tests.live.streams.blocking_echo",
    "interruptible": "tests.live.streams.interruptible",
    "marking": "tests.live.streams.marking",
    "busy": "tests.live.streams.busy",
    "sink": "tests.live.streams.sink",
    "gushing": "tests.live.streams.gushing",
    "broken": "tests.live.streams.broken",
    "speech": "tests.live.streams.speech",
    "goodbye": "tests.live.streams.goodbye",
    "single": "tests.live.streams.single",
    "brief": "tests.live.streams.brief",
    "quiet": "tests.live.streams.quiet",
    "turns": "tests.live.streams.turns",
}
RTC_START_TIMEOUT_S = 3.0
RTC_DRAIN_S = 0.0
