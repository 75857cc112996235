"""The garbage collector and audio."""

import atexit
import gc
from functools import cache


@cache
def freeze() -> None:
    """Once a process: have the collector leave alone what was loaded before the first call.

    A full collection holds everything up while it goes over the modules of Django, the server and the project: 52 to
    55 ms under Daphne, every five seconds or so while readers of outputs come and go.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # extension modules that look for leaks at the end would find all of it
