import os
import time
from statistics import mean

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.management import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models.signals import post_migrate
from hypothesis import settings

from rtc import telling
from rtc.database import submit
from rtc.signals import session_ended, session_started
from rtc.worker import LocalWorker

# How fast a machine is, and what else it does, is for the benchmarks to say.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


MOST_PROCESSES = 8
QUICK_CORE_MS = 8.5
LOOKS, LOOK_EACH_S = 40, 0.05


def pytest_xdist_auto_num_workers():
    """Two test processes a core, since the live tests wait more than they compute; on slow cores down to one: those
    tests, each of which starts servers and browsers, would keep each other from answering in time.
    """
    cores = len(os.sched_getaffinity(0))
    pace = QUICK_CORE_MS / mean(core_ms() for _ in range(LOOKS))
    return min(MOST_PROCESSES, max(cores, round(2 * cores * min(1.0, pace))))


def core_ms():
    """The processor time that a fixed piece of work takes: 15 ms where two processes a core were too many."""
    time.sleep(LOOK_EACH_S)  # a core's pace changes
    start = time.process_time()
    sum(number * number for number in range(150_000))
    return 1000 * (time.process_time() - start)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):  # one of several test processes
        _spread(items)
    else:
        # What takes real time goes last, so that a plain mistake shows at once.
        items.sort(key=lambda item: item.get_closest_marker("live") is not None)


def _spread(items):
    """Live tests wait more than they compute: among several processes, what only computes goes between, file by file.
    Those in browsers stay together and go first, since each process keeps its browser as long as it runs nothing else.
    """
    files = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    in_browsers = [path for path in files if "browser" in path.parts]
    others = [path for path in files if path not in in_browsers]
    live = [path for path in others if any(item.get_closest_marker("live") for item in files[path])]
    live.sort(key=lambda path: "live" in path.parts)  # behind those that take longest
    plain = [path for path in others if path not in live]
    places = {path: (index + 0.5) / len(paths) for paths in (live, plain) for index, path in enumerate(paths)}
    items[:] = [item for path in [*in_browsers, *sorted(others, key=places.__getitem__)] for item in files[path]]


OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """PostgreSQL drops no database that a thread of the tests is still connected to.

    What Django puts into a new database stays there: to remove it and put it there again costs most tests more than
    what they do themselves. So a test that changes permissions or content types has to change them back.
    """
    for model in (ContentType, Permission):
        model._meta.managed = False  # of tables that are not managed `flush` knows nothing
    assert post_migrate.disconnect(create_contenttypes)
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(OTHERS, [connection.settings_dict["NAME"]])


@pytest.fixture(autouse=True)
def nothing_left_to_write():
    """What a call leaves to be written is written while its test may still use the database."""
    yield
    submit(int).result(10)


@pytest.fixture
async def worker():
    """One of its own, without sessions so far."""
    worker = LocalWorker()
    yield worker
    worker._tasks.cancel()


class Told(list):
    """Whoever looks at it sees all that was to be told so far: another thread tells it."""

    def __eq__(self, other):
        return list(self) == other

    def __len__(self):
        assert telling.settle(10)
        return super().__len__()

    def __iter__(self):
        assert telling.settle(10)
        return super().__iter__()

    def __getitem__(self, index):
        assert telling.settle(10)
        return super().__getitem__(index)


@pytest.fixture
def told():
    """`(what, session id, state or end reason)` of each signal that a session has started or ended, in order."""
    told = Told()
    assert telling.settle(10)  # what tests before this one have left

    def started(session, **kwargs):
        told.append(("started", session.session_id, session.state))

    def ended(session, **kwargs):
        told.append(("ended", session.session_id, session.end_reason))

    session_started.connect(started)
    session_ended.connect(ended)
    yield told
    assert telling.settle(10)
    session_started.disconnect(started)
    session_ended.disconnect(ended)
