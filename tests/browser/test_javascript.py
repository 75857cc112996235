"""Runs the tests of the plain JavaScript modules in node."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtc.words import WORDS

HERE = Path(__file__).parent
NODE = Path(sys.executable).parent / "node"


@pytest.mark.skipif(not (HERE / "node_modules").exists(), reason="run `npm install` in tests/browser first")
def test_the_modules_of_the_client():
    result = subprocess.run(
        [NODE, "--test", *sorted((HERE / "js").glob("*.test.mjs"))],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


def test_all_that_the_widget_says_can_be_translated():
    printed = subprocess.run([NODE, HERE / "js" / "texts.mjs"], capture_output=True, text=True, check=True).stdout
    assert sorted(WORDS) == sorted(json.loads(printed))
