"""python -m benchmarks.outputs: what other traffic, outputs above all, does to the audio of other sessions."""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from select import select

import numpy as np

from benchmarks.client import Load
from benchmarks.frames import FRAME_S
from benchmarks.measure import latencies_ms
from benchmarks.outputs.traffic import BEGUN
from benchmarks.servers import ServerError, cores, migrate, pin, serving
from benchmarks.targets import ALL, OURS_DAPHNE, OURS_UVICORN, ROOT, Target
from tests.live.redis_server import RedisServer

HERE = Path(__file__).parent
ECHOES = 20
WARM_UP_S = 2.0
BEGIN_S = 2.0
STEP_S = 0.5
"""How often the traffic is asked whether it has begun: that its sessions start is not measured."""
DRAIN_S = 2.0
GIVE_WAY = ("chrt", "--idle", "0")
"""Runs a command only when the load generator on the same core is idle: its timing counts, and mere niceness delays it
by 1.5 ms."""


@dataclass(frozen=True, slots=True)
class Ports:
    sockets: int
    http: int


@dataclass(frozen=True, slots=True)
class Figures:
    percentiles_ms: tuple[float, float, float]
    lost: int
    frames: int

    @property
    def p99_ms(self) -> float:
        return self.percentiles_ms[2]

    def __str__(self) -> str:
        return " | ".join(f"{value:.2f}" for value in self.percentiles_ms)


@dataclass(frozen=True, slots=True)
class Traffic:
    label: str
    kind: str
    rate: float
    elsewhere: bool = False
    """Whether readers and inputs come to another worker."""


TRAFFICS = (
    Traffic("nothing", "", 0),
    Traffic("100 outputs/s, 40 EventSources, cut off again and again", "outputs", 100),
    Traffic("1,000 outputs/s, the same", "outputs", 1000),
    Traffic("100 outputs/s, 40 readers that come again at once", "hasty", 100),
    Traffic("1,000 outputs/s, the same", "hasty", 1000),
    Traffic("an input of 1.9 MB each second", "inputs", 1),
    Traffic("a handler that computes all the time", "computing", 1),
    Traffic("100 outputs/s, 40 EventSources at another worker", "outputs", 100, elsewhere=True),
    Traffic("1,000 outputs/s, the same", "outputs", 1000, elsewhere=True),
    Traffic("an input of 1.9 MB each second, to another worker", "inputs", 1, elsewhere=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outputs", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="steady window of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=HERE / "results.md")
    arguments = parser.parse_args()
    measured: dict[tuple[Target, Traffic], list[Figures]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        migrate(folder)
        server_core, client_core = cores()
        pin(0, client_core)
        for _ in range(arguments.rounds):
            for target in ALL:
                if target.name in (OURS_DAPHNE, OURS_UVICORN):
                    for traffic in TRAFFICS:
                        with _serving(traffic, target, server_core, client_core, folder) as ports:
                            figures = _measure(ports, traffic, arguments.seconds)
                        measured.setdefault((target, traffic), []).append(figures)
                        print(target.label, traffic.label, figures, sep=" | ", flush=True)
    text = _table(measured, arguments.rounds, arguments.seconds)
    print(text)
    arguments.output.write_text(text)


def _table(measured: dict[tuple[Target, Traffic], list[Figures]], rounds: int, seconds: float) -> str:
    lines = [
        f"Latency of {ECHOES} echo sessions beside other traffic, the same worker's unless it says otherwise.",
        f"Medians of {rounds} rounds, {seconds:g} s each.",
        "",
        "| server | beside | p50 ms | p95 ms | p99 ms | p99, ratio to nothing | lost |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (target, traffic), figures in measured.items():
        p50, p95, p99 = np.median([each.percentiles_ms for each in figures], axis=0)
        alone = measured[target, TRAFFICS[0]]
        ratio = np.median([here.p99_ms / there.p99_ms for here, there in zip(figures, alone, strict=True)])
        lost = f"{sum(each.lost for each in figures)} of {sum(each.frames for each in figures)}"
        lines.append(f"| {target.label} | {traffic.label} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {ratio:.1f} | {lost} |")
    return "\n".join(lines) + "\n"


@contextmanager
def _serving(
    traffic: Traffic, target: Target, core: int | None, other_core: int | None, folder: Path
) -> Iterator[Ports]:
    if traffic.elsewhere:
        with _joined(target, core, other_core, folder) as ports:
            yield ports
    else:
        with serving(target, core, folder) as server:
            yield Ports(server.port, server.port)


@contextmanager
def _joined(target: Target, core: int | None, other_core: int | None, folder: Path) -> Iterator[Ports]:
    """A worker for sockets on its core; Redis and a worker for all else on the other, where both give way to the load
    generator: a machine with a core for each would not have them share.
    """
    joined = replace(target, settings="benchmarks.outputs.joined_settings")
    other = replace(joined, name=f"{target.name}-other", command=lambda port: [*GIVE_WAY, *target.command(port)])
    with (
        RedisServer(folder) as redis,
        _environment(REDIS_URL=redis.url),
        serving(joined, core, folder) as worker,
        serving(other, other_core, folder) as other_worker,
    ):
        yield Ports(worker.port, other_worker.port)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def _measure(ports: Ports, traffic: Traffic, seconds: float) -> Figures:
    load = Load(ports.sockets, ECHOES, media_format=True)
    try:
        load.wait(0.5)
        gc.disable()
        load.run(round(WARM_UP_S / FRAME_S))
        beside = _start(ports, traffic, seconds + 2 * BEGIN_S)
        load.run(round(BEGIN_S / FRAME_S))
        while beside is not None and not _has_begun(beside):
            load.run(round(STEP_S / FRAME_S))
        first = len(load.sent_at)
        load.run(round(seconds / FRAME_S))
        load.drain(DRAIN_S)
        lost = load.answered_at[first:].count(-1.0)
        if beside is not None and beside.wait(60) != 0:
            raise SystemExit(f"the traffic beside failed: {traffic.label}")
        latencies = latencies_ms(load, first)
        return Figures(tuple(np.percentile(latencies, (50, 95, 99))), lost, latencies.size)
    finally:
        gc.enable()
        load.close()


def _start(ports: Ports, traffic: Traffic, seconds: float) -> subprocess.Popen[bytes] | None:
    if not traffic.kind:
        return None
    figures = map(str, (ports.sockets, ports.http, seconds, traffic.rate))
    module = ["-m", "benchmarks.outputs.traffic", traffic.kind, *figures]
    return subprocess.Popen([*GIVE_WAY, sys.executable, *module], cwd=ROOT, stdout=subprocess.PIPE)


def _has_begun(beside: subprocess.Popen[bytes]) -> bool:
    """Raises: SystemExit: it has ended instead."""
    assert beside.stdout is not None
    readable, _, _ = select([beside.stdout], [], [], 0)
    if not readable:
        return False
    if beside.stdout.readline().decode().strip() != BEGUN:
        raise SystemExit("the traffic beside has not begun")
    return True


if __name__ == "__main__":
    try:
        main()
    except ServerError as error:
        sys.exit(str(error))
