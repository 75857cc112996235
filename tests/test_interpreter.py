"""What is a whole process's is tested in processes of its own."""

import subprocess
import sys

import pytest

LEFT_ALONE = """
import gc
from django.conf import settings
from rtc import interpreter

settings.configure()

class Ring:
    pass

def make():
    ring = Ring()
    ring.ring = ring

loaded = len(gc.get_objects())
make()
interpreter.settle()
frozen = gc.get_freeze_count()
assert frozen > loaded / 2, (frozen, loaded)
assert not any(isinstance(thing, Ring) for thing in gc.get_objects())
make()
interpreter.settle()
assert gc.get_freeze_count() == frozen
assert gc.collect()  # what came later is still collected
"""

TURNS = """
import sys
from django.conf import settings
from rtc import interpreter

settings.configure(**{given})
sys.setswitchinterval({before_s})
interpreter.settle()
print(round(1000 * sys.getswitchinterval(), 3))
"""


def run(program):
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def test_what_was_loaded_is_left_alone_and_what_comes_later_is_not():
    run(LEFT_ALONE)


@pytest.mark.parametrize(
    ("given", "before_s", "after_ms"),
    [
        ({}, 0.005, 0.5),
        ({"RTC_SWITCH_INTERVAL_MS": 2}, 0.005, 2),
        ({"RTC_SWITCH_INTERVAL_MS": None}, 0.005, 5),
        ({"RTC_SWITCH_INTERVAL_MS": 2}, 0.001, 1),  # the project's own, and shorter
    ],
)
def test_threads_take_shorter_turns(given, before_s, after_ms):
    assert float(run(TURNS.format(given=given, before_s=before_s))) == after_ms
