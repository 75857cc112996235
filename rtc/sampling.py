"""Level and delay of a call over time, one sample a heartbeat."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Protocol

from rtc.runner import Runner

logger = logging.getLogger(__name__)

RECENT = 24
"""How many samples the heartbeat carries: two minutes."""
LONGEST = 720
"""How many samples the record keeps: an hour. When there are more, every other one is dropped."""


class Sampler:
    """A sample is `[unix time in s, level in, level out, waiting, unplayed]`: levels in dBFS of the loudest frame since
    the sample before (see `rtc.levels`); the audio that waits for the handler and the audio not yet played in ms.
    """

    def __init__(self) -> None:
        self.history: list[list[float]] = []

    def take(self, runner: Runner) -> list[list[float]]:
        """Take a sample now; gives the most recent ones."""
        intake, playout = runner.intake, runner.playout
        self.history.append(
            [
                round(time.time(), 1),
                intake.loudest.take(),
                playout.loudest.take(),
                round(intake.waiting_s * 1000),
                round(playout.unplayed_s * 1000),
            ]
        )
        if len(self.history) > LONGEST:
            del self.history[1:-RECENT:2]
        return self.history[-RECENT:]


class Sampled(Protocol):
    @property
    def session_id(self) -> str: ...

    def sample(self) -> dict[str, Any]: ...


class FiguresOfCalls:
    """What live calls have to tell of themselves. One that can't costs its own figures, not the heartbeat."""

    def __init__(self) -> None:
        self._failed: set[int] = set()

    async def take(self, calls: Mapping[int, Sampled]) -> dict[str, Any]:
        """One at a time: audio must not wait for a hundred of them. Both mappings are by the row's primary key."""
        self._failed &= calls.keys()
        figures: dict[str, Any] = {}
        for pk in list(calls):
            if (call := calls.get(pk)) is None:
                continue
            try:
                figures[str(pk)] = call.sample()
            except Exception:  # whatever it was: others would take the worker for lost, and all of its calls
                if pk not in self._failed:
                    self._failed.add(pk)
                    logger.exception("session %s: its figures could not be taken", call.session_id)
            await asyncio.sleep(0)
        return figures


def counts(runner: Runner | None) -> dict[str, int]:
    """The frames of a call so far; None: its handler does not run yet."""
    if runner is None:
        return {"frames_in": 0, "frames_out": 0, "frames_dropped": 0}
    return {
        "frames_in": runner.intake.frames_in,
        "frames_out": runner.playout.frames_out,
        "frames_dropped": runner.intake.frames_dropped,
    }
