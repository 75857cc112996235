"""What was found full, and when: one look at the database answers all who had asked before it.

Of a hundred who want the last place at once, each would have to look for itself otherwise, one after the other and
behind the database's only writer; those in the back of that line would be told that the database is away.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rtc.core.exceptions import Refused
from rtc.journal import journal

REMEMBERED = 100
"""How many answers are kept. Without one the database is asked, so nothing but time is lost with those before."""


class FoundFull:
    """The last answers that something had no room. Times are those of `time.monotonic()`."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Any], tuple[float, tuple[Any, ...]]] = {}

    @contextmanager
    def looking(self, asked_at: float, stream: str, user_pk: Any) -> Iterator[None]:
        """Within it, the database is asked for one who came at `asked_at`.

        Raises:
            Refused: it need not be: another has looked since, and found no room.
        """
        self.refuse(asked_at, stream, user_pk)
        looked_at = time.monotonic()
        ends_are_written = not journal.ending
        try:
            yield
        except Refused as refusal:
            if ends_are_written:  # else a place may be free of which who asked before this look knew
                self.note(refusal, looked_at, stream, user_pk)
            raise

    def note(self, refusal: Refused, looked_at: float, stream: str, user_pk: Any) -> None:
        """One who wanted to start was refused, and for that the database was asked at `looked_at` or later. Ends that
        were to be written by then are.
        """
        for place in _places(stream, user_pk):
            if place[0] == refusal.reason:
                if len(self._found) >= REMEMBERED:
                    self._found.clear()
                self._found[place] = looked_at, refusal.args  # the exception itself holds on to all that it passed

    def refuse(self, asked_at: float, stream: str, user_pk: Any) -> None:
        """Raises: Refused: as another was who looked after `asked_at`."""
        for place in _places(stream, user_pk):
            looked_at, refusal = self._found.get(place, (asked_at, ()))
            if looked_at > asked_at:
                raise Refused(*refusal)


def _places(stream: str, user_pk: Any) -> tuple[tuple[str, Any], ...]:
    return ("concurrency_limit_reached", stream), ("user_limit_reached", user_pk), ("server_limit_reached", None)
