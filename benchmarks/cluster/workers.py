"""Worker processes on one database and one Redis."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.servers import Server, serving
from benchmarks.targets import Target

SETTINGS = "benchmarks.cluster.settings"


def target(name: str) -> Target:
    def command(port: int) -> list[str]:
        options = ["-b", "127.0.0.1", "-p", str(port), "-v", "0"]
        return [sys.executable, "-m", "daphne", *options, "benchmarks.cluster.asgi:application"]

    return Target(name=name, label=name, command=command, media_format=True, settings=SETTINGS)


@contextmanager
def workers(count: int, folder: Path) -> Iterator[list[Server]]:
    """So many, on all cores but the load generator's."""
    with ExitStack() as stack:
        with on_cores(server_cores()):
            servers = [stack.enter_context(serving(target(f"worker-{index}"), None, folder)) for index in range(count)]
        yield servers


def server_cores() -> set[int]:
    """All but the first; that one too if it is the only one."""
    first, *others = sorted(ALL_CORES)
    return set(others) or {first}


def client_cores() -> set[int]:
    return {min(ALL_CORES)}


ALL_CORES = os.sched_getaffinity(0)


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Within it this process, and what it starts, runs on them alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
