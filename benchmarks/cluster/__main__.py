"""python -m benchmarks.cluster: measure, print the tables, write results.md and results.json here."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.cluster.capacity import MEASURED_SESSIONS, SIZES, measure_capacity
from benchmarks.cluster.cpu import SESSIONS, compare
from benchmarks.cluster.measure import measure
from benchmarks.cluster.report import markdown
from benchmarks.cluster.workers import SETTINGS, client_cores, on_cores, server_cores, workers
from benchmarks.files import save
from benchmarks.servers import migrate
from tests.live.redis_server import RedisServer

HERE = Path(__file__).parent


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name, on_cores(client_cores()), _redis(Path(name)) as redis:
        folder = Path(name)
        migrate(folder, SETTINGS)
        rows = []
        for count in arguments.workers:
            with workers(count, folder) as servers:
                rows.append(measure([server.port for server in servers], arguments.seconds))
        cpu = compare(folder, arguments.rounds, arguments.seconds, arguments.sessions) if arguments.rounds else None
        capacity = None
        if arguments.capacity_sessions and cpu is not None:  # the simulation needs both
            capacity = measure_capacity(
                folder, redis.url, 2 * arguments.seconds, arguments.capacity_sessions, arguments.sizes
            )
    figures = {
        "rows": [asdict(row) for row in rows],
        "cpu": None if cpu is None else asdict(cpu),
        "capacity": None if capacity is None else asdict(capacity),
    }
    save(arguments.output, markdown(rows, cpu, capacity), figures)


@contextmanager
def _redis(folder: Path) -> Iterator[RedisServer]:
    with on_cores(server_cores()):
        redis = RedisServer(folder).__enter__()
    os.environ["REDIS_URL"] = redis.url
    try:
        yield redis
    finally:
        redis.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description="What crosses workers.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    parser.add_argument("--seconds", type=float, default=6.0, help="steady window of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of comparing CPU; 0 leaves out the simulation too")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="in that comparison")
    parser.add_argument(
        "--capacity-sessions", type=int, default=MEASURED_SESSIONS, help="of the simulation; 0 leaves it out"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="live sessions in its database")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for results.md and results.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
