"""For tests of handlers: calls a `Stream` without a socket, a server or a database.

    result = run_call(stream, "hello.wav", seconds=5)
    rate, samples = result.audio

Async handlers run in virtual time, a minute in a fraction of a second. Handlers that block run in threads, and what
blocks a thread takes real time: calls to those take as long as they last. Django's settings must be configured, as
`pytest-django` or `manage.py test` do; all that `RTC_…` settings bound is bounded here too. Not there: `authorize`,
`input_form`, tickets and concurrency limits, which stand between the network and the handler.

Step by step, in a coroutine: `CallClient`. `virtual_time` makes a test of a coroutine function; in pytest-asyncio's
own tests time is real.
"""

from rtc.testing.client import CallClient
from rtc.testing.clock import VirtualTimeLoop, run_virtual, until, virtual_time
from rtc.testing.dialling import call, run_call
from rtc.testing.memory import MemoryAdmission, MemoryRecord
from rtc.testing.result import CallResult

__all__ = [
    "CallClient",
    "CallResult",
    "MemoryAdmission",
    "MemoryRecord",
    "VirtualTimeLoop",
    "call",
    "run_call",
    "run_virtual",
    "until",
    "virtual_time",
]
