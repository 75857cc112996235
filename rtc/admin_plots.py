"""Plots of a session's samples over time, as coordinates for an SVG template."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rtc.admin_timeline import clock

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 22, 14, 36
"""Margins for the labels, in the units of the drawing: half of `1:00:00` stands to the right of its tick."""
LEVEL_TICKS_DBFS = (0, -24, -48, -72, -96)
NICE = (1, 2, 5, 10)
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: `points` as SVG wants them; `dot` where a single sample makes no line."""

    name: str
    css: str
    points: str
    dot: tuple[float, float] | None
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    place: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    title: str
    unit: str
    lines: list[Line]
    value_ticks: list[Tick]
    time_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def level_plot(samples: Sequence[Sequence[float]], started_s: float) -> Plot:
    """Level in and out over time.

    Args:
        samples: see `rtc.sampling.Sampler`; at least one.
        started_s: unix time the session started at, where the time axis has its zero.
    """
    return _plot("Level", "dBFS", [("in", 1), ("out", 2)], LEVEL_TICKS_DBFS, samples, started_s)


def delay_plot(samples: Sequence[Sequence[float]], started_s: float) -> Plot:
    """How much audio waited for the handler, and was emitted and not played yet. Arguments as of `level_plot`."""
    highest = max(max(sample[3], sample[4]) for sample in samples)
    step = _nice_step(max(highest, 40) / 4)
    ticks = [step * index for index in range(math.ceil(max(highest, 40) / step) + 1)]
    return _plot("Delay", "ms", [("waiting for the handler", 3), ("not yet played", 4)], ticks, samples, started_s)


def _plot(
    title: str,
    unit: str,
    columns: Sequence[tuple[str, int]],
    value_ticks: Sequence[float],
    samples: Sequence[Sequence[float]],
    started_s: float,
) -> Plot:
    low, high = min(value_ticks), max(value_ticks)
    times = [max(sample[0] - started_s, 0.0) for sample in samples]
    begin, end = times[0], max(times[-1], times[0] + 1)

    def x(time_s: float) -> float:
        return round(LEFT + (time_s - begin) / (end - begin) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        inside = min(max(value, low), high)
        return round(TOP + (high - inside) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    lines = []
    for place, (name, column) in enumerate(columns):
        points = [(x(time_s), y(sample[column])) for time_s, sample in zip(times, samples, strict=True)]
        lines.append(
            Line(
                name=name,
                css="rtc-line-a" if place == 0 else "rtc-line-b",
                points=" ".join(f"{left},{top}" for left, top in points),
                dot=points[0] if len(points) == 1 else None,
                last=samples[-1][column],
            )
        )
    return Plot(
        title=title,
        unit=unit,
        lines=lines,
        value_ticks=[Tick(place=y(value), label=f"{value:g}") for value in value_ticks],
        time_ticks=[Tick(place=x(time_s), label=clock(time_s)) for time_s in _time_ticks(begin, end)],
    )


def _time_ticks(begin: float, end: float) -> list[float]:
    step = next((step for step in TIME_STEPS_S if (end - begin) / step <= 5), 3600 * math.ceil((end - begin) / 18000))
    first = math.ceil(begin / step)
    return [index * step for index in range(first, math.floor(end / step) + 1)]


def _nice_step(least: float) -> float:
    power = 10 ** math.floor(math.log10(least))
    return next(nice * power for nice in NICE if nice * power >= least)
