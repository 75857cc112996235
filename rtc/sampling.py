"""Level and delay of a call over time, one sample a heartbeat."""

import time
from typing import Any

import numpy as np

from rtc.runner import Runner

RECENT = 24
"""How many samples the heartbeat carries: two minutes."""
LONGEST = 720
"""How many samples the record keeps: an hour. When there are more, every other one is dropped."""
FLOOR_DBFS = -96.0


class Sampler:
    """A sample is `[unix time in s, level in, level out, waiting, unplayed]`: levels in dBFS of one frame, the audio
    that waits for the handler and the audio not yet played in ms.
    """

    def __init__(self) -> None:
        self.history: list[list[float]] = []

    def take(self, runner: Runner) -> list[list[float]]:
        """Take a sample now; gives the most recent ones."""
        intake, playout = runner.intake, runner.playout
        self.history.append(
            [
                round(time.time(), 1),
                level_dbfs(intake.latest()),
                level_dbfs(playout.latest()),
                round(intake.waiting_s * 1000),
                round(playout.unplayed_s * 1000),
            ]
        )
        if len(self.history) > LONGEST:
            del self.history[1:-RECENT:2]
        return self.history[-RECENT:]


def counts(runner: Runner | None) -> dict[str, int]:
    """The frames of a call so far; None: its handler does not run yet."""
    if runner is None:
        return {"frames_in": 0, "frames_out": 0, "frames_dropped": 0}
    return {
        "frames_in": runner.intake.frames_in,
        "frames_out": runner.playout.frames_out,
        "frames_dropped": runner.intake.frames_dropped,
    }


def level_dbfs(samples: Any) -> float:
    """RMS of int16 samples in dB of full scale; the floor for silence, or for None."""
    if samples is None or not samples.size:
        return FLOOR_DBFS
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) / 32768
    return round(max(20 * np.log10(rms), FLOOR_DBFS), 1) if rms else FLOOR_DBFS
