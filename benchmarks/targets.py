"""What is measured: each target is one server command and what its client says first."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import PATH

ROOT = Path(__file__).resolve().parent.parent
FASTRTC_ENVIRONMENT = ROOT / ".venv-fastrtc"
FASTRTC_PYTHON = FASTRTC_ENVIRONMENT / "bin" / "python"

SETTINGS = "benchmarks.apps.settings"

BARE_DAPHNE = "bare-daphne"
OURS_DAPHNE = "ours-daphne"
BARE_UVICORN = "bare-uvicorn"
OURS_UVICORN = "ours-uvicorn"
FASTRTC_UVICORN = "fastrtc-uvicorn"
OURS_BLOCKING = "ours-blocking"
FASTRTC_BLOCKING = "fastrtc-blocking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    name: str
    label: str
    command: Callable[[int], list[str]]
    media_format: bool = False
    settings: str = SETTINGS
    path: str = PATH


def daphne(application: str) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        options = ["-b", "127.0.0.1", "-p", str(port), "-v", "0"]
        return [sys.executable, "-m", "daphne", *options, application]

    return command


def uvicorn(application: str, python: str = sys.executable) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        options = ["--host", "127.0.0.1", "--port", str(port)]
        options += ["--loop", "uvloop", "--http", "httptools", "--ws", "auto"]
        options += ["--ws-per-message-deflate", "false", "--log-level", "warning"]
        return [python, "-m", "uvicorn", *options, application]

    return command


ALL = (
    Target(
        name=BARE_DAPHNE,
        label="bare echo, Daphne",
        command=daphne("benchmarks.apps.bare:application"),
    ),
    Target(
        name=OURS_DAPHNE,
        label="rtc echo, Daphne",
        command=daphne("benchmarks.apps.ours:application"),
        media_format=True,
    ),
    Target(
        name=BARE_UVICORN,
        label="bare echo, uvicorn",
        command=uvicorn("benchmarks.apps.bare:application"),
    ),
    Target(
        name=OURS_UVICORN,
        label="rtc echo, uvicorn",
        command=uvicorn("benchmarks.apps.ours:application"),
        media_format=True,
    ),
    Target(
        name=FASTRTC_UVICORN,
        label="FastRTC echo, uvicorn",
        command=uvicorn("benchmarks.apps.fastrtc_echo:application", str(FASTRTC_PYTHON)),
    ),
)

BLOCKING = (
    Target(
        name=OURS_BLOCKING,
        label="rtc echo that blocks, uvicorn",
        command=uvicorn("benchmarks.apps.ours:application"),
        media_format=True,
        path="/blocking/websocket/offer",
    ),
    Target(
        name=FASTRTC_BLOCKING,
        label="FastRTC echo that blocks, uvicorn",
        command=uvicorn("benchmarks.apps.fastrtc_blocking_echo:application", str(FASTRTC_PYTHON)),
    ),
)
"""The echo of FastRTC's documentation, a `StreamHandler` whose `emit` is `queue.get()`."""
