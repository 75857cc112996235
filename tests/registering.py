"""Sessions on record, in one thread and in many at once."""

import threading
from contextlib import contextmanager

from django.db import connections

from rtc import Stream, registry
from rtc.admission import Admission
from rtc.core.exceptions import Refused
from rtc.database import submit
from rtc.testing import CallClient
from tests.subjects import Scripted
from tests.virtual_time import until

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


def enlist(name):
    return registry.enlist(name, "here", 1)


def admit(session_id, worker, **limits):
    return registry.admit(session_id, "default", registry.ConcurrencyLimits(**limits), None, CALLER, worker)


def new_client(worker):
    stream = Stream(Scripted())
    return CallClient(stream, admission=Admission(stream, "default", CALLER, worker), calls=worker.calls)


async def call_on(worker, session_id="a"):
    client = new_client(worker)
    await client.start(session_id)
    await until(lambda: client.call in worker.calls.values())
    return client


@contextmanager
def records_waiting():
    """Within it, records wait for the database."""
    release = threading.Event()
    submit(release.wait, 10)
    try:
        yield
    finally:
        release.set()
