import subprocess
import sys

PROGRAM = """
import gc
from rtc import heap

class Ring:
    pass

def make():
    ring = Ring()
    ring.ring = ring

loaded = len(gc.get_objects())
make()
heap.freeze()
frozen = gc.get_freeze_count()
assert frozen > loaded / 2, (frozen, loaded)
assert not any(isinstance(thing, Ring) for thing in gc.get_objects())
make()
heap.freeze()
assert gc.get_freeze_count() == frozen
assert gc.collect()  # what came later is still collected
"""


def test_what_was_loaded_is_left_alone_and_what_comes_later_is_not():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
