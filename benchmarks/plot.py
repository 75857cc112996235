"""The run as one picture: echo latency and CPU over the number of sessions."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.measure import Cell
from benchmarks.report import LABELS
from benchmarks.results import Results
from benchmarks.targets import (
    BARE_DAPHNE,
    BARE_UVICORN,
    FASTRTC_UVICORN,
    OURS_DAPHNE,
    OURS_UVICORN,
)

_STYLES = {
    BARE_DAPHNE: ("#0072b2", ":", "o"),
    OURS_DAPHNE: ("#0072b2", "-", "o"),
    BARE_UVICORN: ("#009e73", ":", "s"),
    OURS_UVICORN: ("#009e73", "-", "s"),
    FASTRTC_UVICORN: ("#d55e00", "-", "^"),
}


def draw(results: Results, path: Path) -> None:
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    latency, cpu = figure.subplots(1, 2)
    _curves(latency, results, "p50_ms")
    latency.set_title("Echo latency, median", loc="left")
    latency.set_ylabel("ms")
    _curves(cpu, results, "cpu_ms")
    cpu.set_title("Server CPU for a session and second", loc="left")
    cpu.set_ylabel("ms")
    figure.legend(*cpu.get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)
    figure.supxlabel("sessions, each sending 20 ms of mu-law at 24 kHz in real time", fontsize="medium")
    figure.savefig(path, dpi=150)


def _curves(axes: Axes, results: Results, name: str) -> None:
    def value(cell: Cell) -> float:
        number: float = getattr(cell, name)
        return number

    for target in results.targets:
        medians = [results.median(target, sessions, value) for sessions in results.sessions]
        color, line, marker = _STYLES[target]
        axes.plot(
            results.sessions,
            medians,
            color=color,
            linestyle=line,
            marker=marker,
            markersize=5,
            label=LABELS[target],
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(results.sessions, [str(sessions) for sessions in results.sessions])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
