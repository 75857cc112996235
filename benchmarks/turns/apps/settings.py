from __future__ import annotations

from benchmarks.apps.settings import *  # noqa: F403

RTC_STREAMS = {
    "default": "benchmarks.turns.apps.ours.default",
    "quick": "benchmarks.turns.apps.ours.quick",
    "lecture": "benchmarks.turns.apps.ours.talkative",
}
