"""The outputs that this process stored last, kept so that its readers need not ask the database for them."""

import threading
from collections import deque
from itertools import islice

ROWS = 64
"""How many outputs of a session are kept, at most."""
CHARS = 16 * 1024
"""How many characters of payload they have together, at most; one that is longer is not kept at all."""


class _Kept:
    """Of one session: (position, payload) of each, and how many characters those have together."""

    __slots__ = ("chars", "rows")

    def __init__(self) -> None:
        self.rows: deque[tuple[int, str]] = deque()
        self.chars = 0


class RecentOutputs:
    """The newest stored outputs of each session, without a gap. From any thread.

    A session is kept until it has ended. Its readers are told once more when it was forgotten: of an end that they are
    told of before, they see nothing here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}

    def add(self, session_pk: int, position: int, payload: str) -> None:
        """Keep an output that is in the database."""
        with self._lock:
            kept = self._kept.setdefault(session_pk, _Kept())
            rows = kept.rows
            if rows and rows[-1][0] != position - 1:
                rows.clear()
                kept.chars = 0
            rows.append((position, payload))
            kept.chars += len(payload)
            while len(rows) > ROWS or kept.chars > CHARS:
                kept.chars -= len(rows.popleft()[1])

    def after(self, session_pk: int, position: int) -> list[tuple[int, str]] | None:
        """What is behind that position: (position, payload) of each, in order; None when only the database can tell."""
        with self._lock:
            kept = self._kept.get(session_pk)
            rows = kept.rows if kept is not None else ()
            if not rows or position < rows[0][0] - 1:
                return None
            return list(islice(rows, position - rows[0][0] + 1, None))

    def forget(self, session_pk: int) -> None:
        """The session has ended: from now on the database tells more than what is kept."""
        with self._lock:
            self._kept.pop(session_pk, None)


recent = RecentOutputs()
