"""Who answers: ours and FastRTC with the default options, and ours with a pause of 0.2 s.

FastRTC answers nothing with the latter: it looks for more than 0.2 s of speech in each 0.2 s.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.targets import FASTRTC_PYTHON, Target, uvicorn

OURS = Target(
    name="ours-turns",
    label="rtc, uvicorn",
    command=uvicorn("benchmarks.turns.apps.ours_asgi:application"),
    media_format=True,
)
THEIRS = Target(
    name="fastrtc-turns",
    label="FastRTC, uvicorn",
    command=uvicorn("benchmarks.turns.apps.theirs:application", str(FASTRTC_PYTHON)),
)
FRAME_SAMPLES = {OURS.name: 960, THEIRS.name: 2048}
"""What the usual client of each sends in a message: our page's 20 ms, and the block size of a published client's
`ScriptProcessor`. With messages of 20 ms, FastRTC misses most turns of a single caller.
"""
LABELS = {target.name: target.label for target in (OURS, THEIRS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    name: str
    label: str
    path: str


DEFAULT = Setting(name="default", label="default options", path="/websocket/offer")
QUICK = Setting(name="quick", label="0.2 s pause", path="/quick/websocket/offer")
LECTURE = Setting(name="lecture", label="default options, long replies", path="/lecture/websocket/offer")
SETTING_LABELS = {setting.name: setting.label for setting in (DEFAULT, QUICK, LECTURE)}
