"""A server process pinned to its core, and what it has used so far. Linux only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.targets import ROOT, SETTINGS, Target

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 5.0
_CPU_CLOCK_SCHEDULED = 2  # clock_getcpuclockid(3): time its threads ran, user and system, in ns


class ServerError(Exception):
    def __init__(self, target: str, log: Path) -> None:
        super().__init__(target, log)
        self.target = target
        self.log = log

    def __str__(self) -> str:
        tail = self.log.read_text(errors="replace")[-2000:]
        return f"{self.target} did not start:\n{tail}"


class Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def cpu_s(self) -> float:
        """User and system time of all its threads."""
        return time.clock_gettime(~self.process.pid << 3 | _CPU_CLOCK_SCHEDULED)

    def resident_kib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def pin(pid: int, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(pid, {core})


def cores() -> tuple[int | None, int | None]:
    """(server, client): two different cores, or no pinning where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    return (available[-1], available[0]) if len(available) > 1 else (None, None)


def busy_s(core: int | None) -> float:
    """How long a core has run anything at all, stolen time included (proc_stat(5), in ticks)."""
    if core is None:
        return 0.0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def migrate(folder: Path, settings: str = SETTINGS) -> None:
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=_environment(folder, settings), check=True)


def _environment(folder: Path, settings: str) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": settings,
        "BENCHMARKS_DATABASE": str(folder / "benchmarks.sqlite3"),
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def serving(target: Target, core: int | None, folder: Path) -> Iterator[Server]:
    port = free_port()
    log = folder / f"{target.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            target.command(port), cwd=ROOT, env=_environment(folder, target.settings), stdout=output, stderr=output
        )
    try:
        pin(process.pid, core)
        _wait_until_open(process, port, ServerError(target.name, log))
        yield Server(process, port)
    finally:
        _stop(process)


def _wait_until_open(process: subprocess.Popen[bytes], port: int, failed: ServerError) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise failed


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
