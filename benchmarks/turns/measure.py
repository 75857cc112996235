"""One cell of the table: one server, one setting, N callers."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import QUIET_CLIENT_LATE_MS, QUIET_OTHERS_SHARE
from benchmarks.servers import Server, busy_s, serving
from benchmarks.targets import Target
from benchmarks.turns.callers import Callers, frames_of
from benchmarks.turns.hearing import Answer, Interruption, answers, interruptions, lost_ms
from benchmarks.turns.speech import INTERRUPTIONS, ORDER, SAMPLE_RATE, Track, joined, tracks
from benchmarks.turns.targets import FRAME_SAMPLES, LECTURE, Setting

SETTLE_S = 0.5
DRAIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What was seen while N callers spoke.

    Args:
        answers: of the turns of each caller.
        lost_ms: of each turn what reached no reply function; None: not looked for.
        cpu_ms: the server's, for each session and second. memory_kib: for each session.
        client_late_p99_ms, others_share: whether the callers kept time, and how much of the server's core something
            else took.
    """

    target: str
    setting: str
    sessions: int
    answers: list[list[Answer]]
    lost_ms: dict[str, float] | None
    cpu_ms: float
    memory_kib: float
    client_late_p99_ms: float
    others_share: float
    messages: dict[str, int]

    @property
    def disturbance(self) -> float:
        """Above 1: the machine was too busy with other work."""
        return max(self.others_share / QUIET_OTHERS_SHARE, self.client_late_p99_ms / QUIET_CLIENT_LATE_MS)

    @property
    def all_answers(self) -> list[Answer]:
        return [answer for caller in self.answers for answer in caller]

    @property
    def latencies_ms(self) -> list[float]:
        return [answer.latency_ms for answer in self.all_answers if answer.latency_ms is not None]

    @property
    def missed(self) -> int:
        return sum(answer.latency_ms is None for answer in self.all_answers)

    @property
    def early(self) -> int:
        return sum(answer.early for answer in self.all_answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionCell:
    target: str
    interruptions: list[Interruption]


class Bench:
    """Each method starts a server of its own, pinned to core; folder takes logs and the database."""

    def __init__(self, core: int | None, folder: Path) -> None:
        self._core = core
        self._folder = folder
        self._tracks = tracks(ORDER)

    def alone(self, target: Target, setting: Setting) -> Cell:
        """One caller, with each level of noise in turn; what it says is looked for in what the server got.

        This and `together` measure once more when they were disturbed; the quieter of the two counts.
        """
        return _quieter(lambda: self._alone(target, setting))

    def together(self, target: Target, setting: Setting, sessions: int) -> Cell:
        """N callers, each with one level of noise."""
        chosen = [self._tracks[index % len(self._tracks)] for index in range(sessions)]
        return _quieter(lambda: self._speak(target, setting, chosen, None))

    def _alone(self, target: Target, setting: Setting) -> Cell:
        track = joined(self._tracks)
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            os.environ["TURNS_UTTERANCES"] = name
            try:
                cell = self._speak(target, setting, [track], Path(name))
            finally:
                del os.environ["TURNS_UTTERANCES"]
        return cell

    def interrupting(self, target: Target) -> InterruptionCell:
        """One caller, who speaks into each reply."""
        track = joined(tracks(INTERRUPTIONS))
        with serving(target, self._core, self._folder) as server:
            self._warm_up(server, target, LECTURE)
            callers = _call(server, target, LECTURE, [track])
            try:
                callers.run()
                return InterruptionCell(target=target.name, interruptions=interruptions(callers.callers[0], track))
            finally:
                callers.close()

    def _speak(self, target: Target, setting: Setting, tracks_: list[Track], kept: Path | None) -> Cell:
        with serving(target, self._core, self._folder) as server:
            self._warm_up(server, target, setting)
            for path in kept.iterdir() if kept else ():
                path.unlink()
            before_kib = server.resident_kib()
            callers = _call(server, target, setting, tracks_)
            try:
                callers.wait(SETTLE_S)
                gc.collect()
                gc.disable()
                cpu_s, busy, wall_s = server.cpu_s(), busy_s(self._core), time.perf_counter()
                callers.run()
                cpu_s, wall_s = server.cpu_s() - cpu_s, time.perf_counter() - wall_s
                busy = busy_s(self._core) - busy
                after_kib = server.resident_kib()
                callers.wait(DRAIN_S)
            finally:
                gc.enable()
                callers.close()
        pairs = list(zip(callers.callers, tracks_, strict=True))
        return Cell(
            target=target.name,
            setting=setting.name,
            sessions=len(pairs),
            answers=[answers(caller, track) for caller, track in pairs],
            lost_ms=lost_ms(tracks_[0], kept) if kept else None,
            cpu_ms=cpu_s * 1000 / len(pairs) / wall_s,
            memory_kib=(after_kib - before_kib) / len(pairs),
            client_late_p99_ms=float(np.percentile(callers.late_s, 99)) * 1000,
            others_share=max(0.0, busy - cpu_s) / wall_s,
            messages=dict(Counter(kind for caller in callers.callers for _, kind in caller.messages)),
        )

    def _warm_up(self, server: Server, target: Target, setting: Setting) -> None:
        """One turn: the model's load, first imports and caches must not count against the first session."""
        whole = self._tracks[0]
        first_s = whole.turns[-1].onset_s - SETTLE_S
        rest = Track(samples=whole.samples[round(first_s * SAMPLE_RATE) :], turns=())
        callers = _call(server, target, setting, [rest])
        callers.wait(SETTLE_S)
        callers.run()
        callers.close()
        time.sleep(SETTLE_S)


def _quieter(measure: Callable[[], Cell]) -> Cell:
    cell = measure()
    return cell if cell.disturbance <= 1 else min(cell, measure(), key=lambda cell: cell.disturbance)


def _call(server: Server, target: Target, setting: Setting, tracks_: list[Track]) -> Callers:
    frame_samples = FRAME_SAMPLES[target.name]
    frames = {id(track): frames_of(track.samples, frame_samples) for track in tracks_}
    return Callers(
        server.port,
        setting.path,
        [frames[id(track)] for track in tracks_],
        frame_samples=frame_samples,
        media_format=target.media_format,
    )
