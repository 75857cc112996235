"""python -m benchmarks.cluster.operations SIZE…: what each thing that sessions do costs the database, in JSON.

It is done on the database of DATABASE_URL (PostgreSQL, empty and migrated), with so many live sessions on record.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.cluster.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402  the app registry must be ready first

from rtc import registry  # noqa: E402
from rtc.models import Output, Session, Worker  # noqa: E402
from rtc.outputs import _ROWS  # noqa: E402

SESSIONS_PER_WORKER = 100
REPEATS = 200
STREAM = "default"
FIGURES = {
    "frames_in": 9000,
    "frames_out": 9000,
    "frames_dropped": 0,
    "errors": 0,
    "idle_s": 0.0,
    "recent": [[0.1, 0.1, 20.0, 20.0]] * 5,
}

Costs = dict[str, tuple[float, float]]
"""By operation: how long it takes from outside, and CPU of the database's process, both in ms."""


def main() -> None:
    found = {}
    for size in map(int, sys.argv[1:]):
        fill(size)
        found[size] = costs()
    json.dump(found, sys.stdout)


def fill(size: int) -> None:
    """Leave just so many sessions, all live, evenly on their workers."""
    Session.objects.all().delete()
    Worker.objects.all().delete()
    count = max(1, size // SESSIONS_PER_WORKER)
    figures = {str(pk): FIGURES for pk in range(SESSIONS_PER_WORKER)}
    workers = [Worker(name=f"worker-{index}", host="host", pid=index, figures=figures) for index in range(count)]
    first = Worker.objects.bulk_create(workers)[0].pk
    model = Session.objects.create(session_id="model", stream=STREAM, worker_id=first, state=Session.State.ACTIVE)
    given = {"session_id": "'session-' || n", "worker_id": f"{first} + n %% {count}"}
    columns = [field.column for field in Session._meta.local_concrete_fields if not field.primary_key]
    values = [given.get(column, column) for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO rtc_session ({', '.join(columns)}) SELECT {', '.join(values)} "
            "FROM rtc_session, generate_series(1, %s) n WHERE rtc_session.id = %s",
            [size - 1, model.pk],
        )
        cursor.execute("ANALYZE")
        cursor.execute("UPDATE rtc_worker SET last_beat_at = now() + interval '1 hour'")


def costs() -> Costs:
    worker = Worker.objects.order_by("pk")[0].pk
    session = Session.objects.order_by("pk")[0]
    load = registry.Load(session_count=SESSIONS_PER_WORKER, figures={str(pk): FIGURES for pk in range(100)})
    names = iter(f"new-{n}" for n in range(10 * REPEATS))
    started: list[int] = []
    positions = iter(range(1, 10 * REPEATS))
    return {
        "start": cost(lambda: started.append(_start(next(names), worker, None))),
        "start under a limit": cost(lambda: started.append(_start(next(names), worker, 10**9))),
        "end": cost(lambda: registry.end(started.pop(), "client_stop", 1000, registry.Figures())),
        "lease": cost(lambda: registry.renew(worker)),
        "heartbeat": cost(lambda: registry.beat(worker, load)),
        "store an output": cost(lambda: _store(session.pk, next(positions))),
        "read an output": cost(lambda: _read(session.pk)),
        "find a session": cost(lambda: list(Session.objects.filter(session_id=session.session_id)[:100])),
    }


def cost(work: Callable[[], object]) -> tuple[float, float]:
    work()  # it is prepared and cached
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = psutil.Process(cursor.fetchone()[0])
    before = process.cpu_times()
    began = time.perf_counter()
    for _ in range(REPEATS):
        work()
    took_s = time.perf_counter() - began
    after = process.cpu_times()
    cpu_s = after.user - before.user + after.system - before.system
    return took_s * 1000 / REPEATS, cpu_s * 1000 / REPEATS


def _start(session_id: str, worker: int, limit: int | None) -> int:
    limits = registry.ConcurrencyLimits(stream=limit)
    pk = registry.admit(session_id, STREAM, limits, None, registry.Caller(address="192.0.2.1"), worker)
    registry.activate(pk)
    return pk


def _store(session: int, position: int) -> None:
    with transaction.atomic():
        Output.objects.bulk_create([Output(session_id=session, position=position, payload='{"n":1}')])


def _read(session: int) -> Iterator[object]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [REPEATS - 1, session, 100])
        return iter(cursor.fetchall())


if __name__ == "__main__":
    main()
