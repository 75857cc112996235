"""python -m benchmarks: measure, print the tables, write results.md, results.json and results.png."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import fastrtc
from benchmarks.files import save
from benchmarks.measure import LONG_CALL_STEP_S, Bench
from benchmarks.plot import draw
from benchmarks.report import markdown, progress
from benchmarks.results import Results
from benchmarks.servers import cores, migrate, pin
from benchmarks.targets import ALL, BLOCKING, FASTRTC_UVICORN, OURS_UVICORN, Target

HERE = Path(__file__).parent
LONG_CALL_SESSIONS = 50
BLOCKING_SESSIONS = (10, 50)


def main() -> None:
    arguments = _arguments()
    server_core, client_core = cores()
    if client_core is None:
        print("only one core: server and client share it, and no figure below is to be trusted")
    targets = _targets(arguments.targets)
    results = Results(seconds=arguments.seconds)
    with tempfile.TemporaryDirectory() as name:
        migrate(Path(name))
        pin(0, client_core)
        bench = Bench(core=server_core, folder=Path(name), seconds=arguments.seconds)
        _rounds(bench, targets, arguments, results)
        results.idle = [bench.idle(target, max(arguments.sessions)) for target in targets]
        _long_calls(bench, targets, arguments, results)
        _blocking(bench, targets, results)
    _write(results, arguments.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Echo benchmarks.")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 50, 100], metavar="N")
    parser.add_argument("--seconds", type=float, default=5.0, help="steady window of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long-call", type=float, default=60.0, help="seconds; 0 leaves it out")
    parser.add_argument("--targets", nargs="+", choices=[target.name for target in ALL])
    parser.add_argument("--output", type=Path, default=HERE, help="folder for results.md, .json and .png")
    return parser.parse_args()


def _targets(names: list[str] | None) -> list[Target]:
    targets = [target for target in ALL if names is None or target.name in names]
    if any(target.name == FASTRTC_UVICORN for target in targets) and not fastrtc.installed():
        print("FastRTC could not be installed: skipped")
        targets = [target for target in targets if target.name != FASTRTC_UVICORN]
    return targets


def _rounds(bench: Bench, targets: list[Target], arguments: argparse.Namespace, results: Results) -> None:
    for number in range(1, arguments.rounds + 1):
        print(f"round {number} of {arguments.rounds}", flush=True)
        cells = []
        for sessions in arguments.sessions:
            for target in targets:
                cells.append(bench.talking(target, sessions))
                print(progress(target, cells[-1]), flush=True)
        results.rounds.append(cells)


def _long_calls(bench: Bench, targets: list[Target], arguments: argparse.Namespace, results: Results) -> None:
    steps = round(arguments.long_call / LONG_CALL_STEP_S)
    for target in targets if steps else []:
        if target.name in (OURS_UVICORN, FASTRTC_UVICORN):
            results.long_calls.append(bench.long_call(target, LONG_CALL_SESSIONS, steps))


def _blocking(bench: Bench, targets: list[Target], results: Results) -> None:
    if FASTRTC_UVICORN in (target.name for target in targets):
        for sessions in BLOCKING_SESSIONS:
            for target in BLOCKING:
                results.blocking.append(bench.talking(target, sessions))
                print(progress(target, results.blocking[-1]), flush=True)


def _write(results: Results, folder: Path) -> None:
    save(folder, markdown(results), results.as_json())
    draw(results, folder / "results.png")


if __name__ == "__main__":
    main()
