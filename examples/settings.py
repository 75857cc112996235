"""The demo project with the examples as streams: `DJANGO_SETTINGS_MODULE=examples.settings make run`."""

from fastrtc_project.settings import *  # noqa: F403
from fastrtc_project.settings import RTC_STREAMS as DEMO_STREAMS

RTC_STREAMS = {
    **DEMO_STREAMS,
    "realtime": "examples.openai_realtime.stream",
    "live": "examples.gemini_live.stream",
    "chat": "examples.voice_chat.stream",
}
