"""The run as one picture: how long replies take, and what the sessions cost."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.turns.measure import Cell
from benchmarks.turns.results import Results
from benchmarks.turns.targets import DEFAULT, LABELS, OURS, SETTING_LABELS, THEIRS

_COLORS = {OURS.name: "#009e73", THEIRS.name: "#d55e00"}


def draw(results: Results, path: Path) -> None:
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    latency, cpu = figure.subplots(1, 2, width_ratios=(3, 2))
    _boxes(latency, results.cells)
    _bars(cpu, [cell for cell in results.cells if cell.setting == DEFAULT.name])
    figure.savefig(path, dpi=150)


def _boxes(axes: Axes, cells: list[Cell]) -> None:
    heard = [cell for cell in cells if cell.latencies_ms]
    boxes = axes.boxplot(
        [cell.latencies_ms for cell in heard],
        orientation="horizontal",
        whis=(0, 100),
        widths=0.6,
        patch_artist=True,
        medianprops={"color": "black"},
    )
    for box, cell in zip(boxes["boxes"], heard, strict=True):
        box.set_facecolor(_COLORS[cell.target])
    axes.set_yticks(range(1, len(heard) + 1), [_name(cell) for cell in heard])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("ms; box: half of the turns, line: their median, whiskers: all")
    axes.set_title("From the end of speech to the reply's first audio", loc="left")
    _plain(axes)


def _bars(axes: Axes, cells: list[Cell]) -> None:
    axes.barh(range(len(cells)), [cell.cpu_ms for cell in cells], color=[_COLORS[cell.target] for cell in cells])
    axes.bar_label(axes.containers[0], fmt="%.1f", padding=3)  # type: ignore[arg-type]
    axes.set_yticks(range(len(cells)), [f"{LABELS[cell.target].split(',')[0]}, {cell.sessions}" for cell in cells])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(1, 4 * max(cell.cpu_ms for cell in cells))  # the figures stand right of the bars
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("ms a second; 1000 / sessions is a full core")
    axes.set_title("Server CPU a session", loc="left")
    _plain(axes)


def _name(cell: Cell) -> str:
    sessions = f"{cell.sessions} session{'' if cell.sessions == 1 else 's'}"
    return f"{LABELS[cell.target].split(',')[0]}, {sessions}, {SETTING_LABELS[cell.setting]}"


def _plain(axes: Axes) -> None:
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
