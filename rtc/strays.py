"""Sessions on record that nobody runs: they were admitted, and the answer to that commit was lost on its way."""

import logging
import time
from collections.abc import Set

from rtc import registry
from rtc.core.session import COME_AGAIN

logger = logging.getLogger(__name__)

STRAY_S = 2.0
"""How long a session may be live on record and unknown to its worker, as it is from its commit until its call hears."""


class Strays:
    """Those of one worker. In the heartbeat's thread."""

    def __init__(self) -> None:
        self._seen_at: dict[int, float] = {}

    def end(self, worker_pk: int, own: Set[int]) -> None:
        """End what was unknown the last time as well: its client was told to come again.

        Args:
            own: the sessions that the worker knows of, as it did before this look.
        """
        now = time.monotonic()
        self._seen_at = {pk: self._seen_at.get(pk, now) for pk in registry.live_on(worker_pk) if pk not in own}
        for pk, seen_at in self._seen_at.items():
            if now - seen_at >= STRAY_S and registry.end(pk, registry.NO_DATABASE, COME_AGAIN, registry.Figures()):
                logger.warning("session row %d was live, and nobody ran it", pk)
