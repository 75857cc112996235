"""What Redis and PostgreSQL have done so far, by their own count."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields

import psutil
import psycopg
import redis

STATISTICS = """
    SELECT xact_commit + xact_rollback, tup_returned, tup_inserted + tup_updated + tup_deleted,
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')
    FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Totals; a difference of two divided by their `at_s` gives rates. Times in seconds, sizes in bytes."""

    at_s: float
    redis_commands: float
    redis_bytes_in: float
    redis_bytes_out: float
    redis_cpu_s: float
    transactions: float
    rows_read: float
    rows_written: float
    log_bytes: float
    database_cpu_s: float

    def rates(self, before: Counters, per: float) -> Counters:
        """What was done a second since then, divided by `per`."""
        seconds = (self.at_s - before.at_s) * per
        names = [field.name for field in fields(self)]
        return Counters(**{name: (getattr(self, name) - getattr(before, name)) / seconds for name in names})


def count(redis_url: str, database_url: str, database_pid: int) -> Counters:
    with redis.Redis.from_url(redis_url) as client:
        info = client.info()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        found = connection.execute(STATISTICS).fetchone()
    assert found is not None
    transactions, rows_read, rows_written, log_bytes = map(float, found)
    return Counters(
        at_s=time.monotonic(),
        redis_commands=info["total_commands_processed"],
        redis_bytes_in=info["total_net_input_bytes"],
        redis_bytes_out=info["total_net_output_bytes"],
        redis_cpu_s=info["used_cpu_sys"] + info["used_cpu_user"],
        transactions=transactions,
        rows_read=rows_read,
        rows_written=rows_written,
        log_bytes=log_bytes,
        database_cpu_s=_cpu_s(database_pid),
    )


def _cpu_s(pid: int) -> float:
    """Of a server with all its processes, those that have ended included."""
    total = 0.0
    server = psutil.Process(pid)
    for process in [server, *server.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it ended; now its parent has counted it
        total += times.user + times.system + times.children_user + times.children_system
    return total
