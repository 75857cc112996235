"""rtc/core imports the pure part of the standard library, numpy, soxr, pybase64 and itself."""

import ast
import sys
from pathlib import Path

import pytest

import rtc.core

CORE = Path(rtc.core.__file__).parent
MODULES = sorted(CORE.rglob("*.py"))
IMPURE = {
    "asyncio",
    "concurrent",
    "contextvars",
    "datetime",
    "importlib",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}
ALLOWED = (set(sys.stdlib_module_names) - IMPURE) | {"numpy", "pybase64", "soxr"}


def violations(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." if node.level else str(node.module)]
            if node.module == "rtc":
                names = [f"rtc.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = [node.func.id] if node.func.id in {"__import__", "open", "print", "input"} else []
        else:
            continue
        found += [name for name in names if not is_pure(name)]
    return found


def is_pure(name: str) -> bool:
    return name == "rtc.core" or name.startswith("rtc.core.") or name.split(".")[0] in ALLOWED


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_core_is_pure(module):
    assert violations(module.read_text()) == []


def test_the_core_was_found():
    assert {"audio.py", "rates.py", "pacing.py"} <= {module.name for module in MODULES}


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from asyncio import Queue",
        "from django.conf import settings",
        "import rtc.runner",
        "from rtc import handlers",
        "from rtc.conf import conf",
        "from . import audio",
        "from ..runner import Runner",
        "def late():\n    import logging",
        "print(1)",
    ],
)
def test_an_impure_line_is_seen(source):
    assert violations(source)


@pytest.mark.parametrize(
    "source", ["import json", "import numpy as np", "import soxr", "from rtc.core.audio import to_mono", "len('')"]
)
def test_a_pure_line_passes(source):
    assert violations(source) == []
