"""python -m benchmarks.outputs: what outputs, their readers and large inputs do to the audio of other sessions."""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.client import Load
from benchmarks.frames import FRAME_S
from benchmarks.measure import latencies_ms
from benchmarks.servers import ServerError, cores, migrate, pin, serving
from benchmarks.targets import ALL, OURS_DAPHNE, OURS_UVICORN, ROOT, Target

HERE = Path(__file__).parent
ECHOES = 20
WARM_UP_S = 2.0
BEGIN_S = 2.0
DRAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Traffic:
    label: str
    kind: str
    rate: float


TRAFFICS = (
    Traffic("nothing", "", 0),
    Traffic("100 outputs/s, 40 EventSources, cut off again and again", "outputs", 100),
    Traffic("1,000 outputs/s, the same", "outputs", 1000),
    Traffic("100 outputs/s, 40 readers that come again at once", "hasty", 100),
    Traffic("1,000 outputs/s, the same", "hasty", 1000),
    Traffic("an input of 1.9 MB each second", "inputs", 1),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outputs", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="steady window of each measurement")
    parser.add_argument("--output", type=Path, default=HERE / "results.md")
    arguments = parser.parse_args()
    server_core, client_core = cores()
    lines = [
        f"Latency of {ECHOES} echo sessions beside other traffic on the same worker, {arguments.seconds:g} s each.",
        "",
        "| server | beside | p50 ms | p95 ms | p99 ms | p99, ratio to nothing | lost |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as name:
        migrate(Path(name))
        pin(0, client_core)
        for target in ALL:
            if target.name in (OURS_DAPHNE, OURS_UVICORN):
                lines += _rows(target, server_core, Path(name), arguments.seconds)
    text = "\n".join(lines) + "\n"
    print(text)
    arguments.output.write_text(text)


def _rows(target: Target, core: int | None, folder: Path, seconds: float) -> list[str]:
    rows = []
    base_ms = 0.0
    for traffic in TRAFFICS:
        with serving(target, core, folder) as server:
            latencies, lost = _measure(server.port, traffic, seconds)
        p50, p95, p99 = np.percentile(latencies, (50, 95, 99))
        base_ms = base_ms or p99
        figures = f"{p50:.2f} | {p95:.2f} | {p99:.2f} | {p99 / base_ms:.1f} | {lost} of {latencies.size}"
        rows.append(f"| {target.label} | {traffic.label} | {figures} |")
        print(rows[-1], flush=True)
    return rows


def _measure(port: int, traffic: Traffic, seconds: float) -> tuple[np.ndarray, int]:
    load = Load(port, ECHOES, media_format=True)
    try:
        load.wait(0.5)
        gc.disable()
        load.run(round(WARM_UP_S / FRAME_S))
        beside = _start(port, traffic, seconds + 2 * BEGIN_S)
        load.run(round(BEGIN_S / FRAME_S))
        first = len(load.sent_at)
        load.run(round(seconds / FRAME_S))
        load.drain(DRAIN_S)
        lost = load.answered_at[first:].count(-1.0)
        if beside is not None and beside.wait(60) != 0:
            raise SystemExit(f"the traffic beside failed: {traffic.label}")
        return latencies_ms(load, first), lost
    finally:
        gc.enable()
        load.close()


def _start(port: int, traffic: Traffic, seconds: float) -> subprocess.Popen[bytes] | None:
    if not traffic.kind:
        return None
    # Only when the load generator on the same core is idle: its timing counts, and mere niceness delays it by 1.5 ms.
    module = ["-m", "benchmarks.outputs.traffic", traffic.kind, str(port), str(seconds), str(traffic.rate)]
    return subprocess.Popen(["chrt", "--idle", "0", sys.executable, *module], cwd=ROOT)


if __name__ == "__main__":
    try:
        main()
    except ServerError as error:
        sys.exit(str(error))
