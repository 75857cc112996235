"""python -m benchmarks.cluster: measure, print the tables, write results.md and results.json here."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.cluster.measure import measure
from benchmarks.cluster.workers import SETTINGS, client_cores, on_cores, server_cores, workers
from benchmarks.servers import migrate
from tests.live.redis_server import RedisServer

HERE = Path(__file__).parent


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name, on_cores(client_cores()):
        folder = Path(name)
        with on_cores(server_cores()):
            redis = RedisServer(folder)
            redis.start()
        try:
            os.environ["REDIS_URL"] = redis.url
            migrate(folder, SETTINGS)
            rows = []
            for count in arguments.workers:
                with workers(count, folder) as servers:
                    rows.append(measure([server.port for server in servers], arguments.seconds))
                print(rows[-1])
        finally:
            redis.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description="What crosses workers.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    parser.add_argument("--seconds", type=float, default=5.0, help="steady window of each measurement")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for results.md and results.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
