"""The interpreter, made ready for audio."""

import atexit
import gc
import sys
from functools import cache

from rtc.conf import conf


@cache
def settle() -> None:
    """Once a process, before its first call."""
    _leave_alone_what_is_loaded()
    _shorten_turns()


def _leave_alone_what_is_loaded() -> None:
    """Keep the garbage collector from it.

    A full collection holds everything up while it goes over the modules of Django, the server and the project: 52 to
    55 ms under Daphne, every five seconds or so while readers of outputs come and go.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # extension modules that look for leaks at the end would find all of it


def _shorten_turns() -> None:
    """Have threads that compute give way to the event loop sooner than after Python's 5 ms.

    A loop that wakes up while another thread runs Python waits for its turn, and again whenever it has sent something.
    """
    if conf.RTC_SWITCH_INTERVAL_MS is not None:
        sys.setswitchinterval(min(sys.getswitchinterval(), conf.RTC_SWITCH_INTERVAL_MS / 1000))
