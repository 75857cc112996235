"""Sessions on record, in one thread and in many at once."""

import threading

from django.db import connections

from rtc import registry
from rtc.core.exceptions import Refused

CALLER = registry.Caller(address="192.0.2.1", user_agent="phone")


def end(pk, reason="client_stop", **figures):
    return registry.end(pk, reason, 1000, registry.Figures(**figures))


def at_once(count, work):
    """Run `work(index)` in so many threads that start together; gives what each returned or raised."""
    gate = threading.Barrier(count)
    results = [None] * count

    def run(index):
        gate.wait()
        try:
            results[index] = work(index)
        except Refused as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
