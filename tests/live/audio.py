"""Callers whose audio is watched frame by frame while a test goes on."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.client import NEVER, Load
from benchmarks.frames import FRAME_S

logger = logging.getLogger(__name__)

GAP_S = 2.0
"""Longer is no delay of a busy machine any more, but an audio path that waited for what was away."""
DRAIN_S = 5.0


class Audio:
    """Callers of an echo, on the ports in turn, 50 frames a second each."""

    def __init__(self, ports: Sequence[int], callers: int) -> None:
        self._load = Load(ports, callers, media_format=True)
        self.ids = self._load.ids

    async def run(self, seconds: float) -> None:
        await asyncio.to_thread(self._load.run, round(seconds / FRAME_S))
        await asyncio.to_thread(self._load.drain, DRAIN_S)

    def close(self) -> None:
        self._load.close()

    def delays_s(self, session_id: str) -> list[float]:
        """Of each of its frames until its echo; without one, infinitely many seconds."""
        load, index = self._load, self.ids.index(session_id)
        times = zip(load.sent_at, load.answered_at, strict=True)
        own = itertools.islice(times, index, None, len(self.ids))
        return [float("inf") if back == NEVER else back - sent for sent, back in own]

    def assert_heard(self, session_ids: Sequence[str]) -> None:
        """Not one of their frames was lost, changed or late."""
        delays_s = [delay_s for session_id in session_ids for delay_s in self.delays_s(session_id)]
        late = sum(GAP_S < delay_s < float("inf") for delay_s in delays_s)
        logger.info("%d frames, the latest after %.0f ms", len(delays_s), 1000 * max(delays_s))
        assert (delays_s.count(float("inf")), late, self._load.damaged) == (0, 0, 0)


@asynccontextmanager
async def talking(ports: Sequence[int], callers: int, seconds: float) -> AsyncIterator[Audio]:
    """They talk for that long from here on; leaving waits until they are done."""
    audio = await asyncio.to_thread(Audio, ports, callers)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(audio.run(seconds))
            yield audio
    finally:
        audio.close()
