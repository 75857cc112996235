"""python -m benchmarks.turns: measure, print the tables, write results.md, results.json and results.png."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import fastrtc
from benchmarks.files import save
from benchmarks.servers import cores, migrate, pin
from benchmarks.targets import Target
from benchmarks.turns.measure import Bench, Cell
from benchmarks.turns.plot import draw
from benchmarks.turns.report import markdown, progress
from benchmarks.turns.results import Results
from benchmarks.turns.targets import DEFAULT, LABELS, OURS, QUICK, THEIRS

HERE = Path(__file__).parent
THEIR_SESSIONS = 5  # more than a core of it can serve


def main() -> None:
    arguments = _arguments()
    server_core, client_core = cores()
    if client_core is None:
        print("only one core: server and callers share it, and no figure below is to be trusted")
    targets = [OURS] + ([THEIRS] if not arguments.without_fastrtc and _fastrtc_installed() else [])
    results = Results()
    with tempfile.TemporaryDirectory() as name:
        migrate(Path(name))
        pin(0, client_core)
        bench = Bench(server_core, Path(name))
        for measurement in _plan(bench, targets, arguments.sessions):
            results.cells.append(measurement())
            print(progress(results.cells[-1]), flush=True)
        for target in targets:
            print(f"{LABELS[target.name]:18} interruptions", flush=True)
            results.interruptions.append(bench.interrupting(target))
    _write(results, arguments.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description="Turn-taking benchmarks.")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 20, 50, 100], metavar="N")
    parser.add_argument("--without-fastrtc", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for results.md, .json and .png")
    return parser.parse_args()


def _fastrtc_installed() -> bool:
    if fastrtc.installed():
        return True
    print("FastRTC could not be installed: skipped")
    return False


def _plan(bench: Bench, targets: list[Target], sessions: list[int]) -> list[Callable[[], Cell]]:
    """One after the other, so that a slow minute of the machine hits both."""
    plan: list[Callable[[], Cell]] = []
    for count in sessions:
        for target in targets:
            if count == 1:
                plan += [lambda target=target: bench.alone(target, DEFAULT)]
                plan += [lambda: bench.alone(OURS, QUICK)] if target is OURS else []
            elif target is OURS or count <= THEIR_SESSIONS:
                plan += [lambda target=target, count=count: bench.together(target, DEFAULT, count)]
    return plan


def _write(results: Results, folder: Path) -> None:
    save(folder, markdown(results), results.as_json())
    draw(results, folder / "results.png")


if __name__ == "__main__":
    main()
