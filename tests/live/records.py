"""The server's record of its sessions, read from its database."""

import asyncio
from pathlib import Path
from typing import Any

from tests.live.databases import rows_of

END_TIMEOUT_S = 5.0
POLL_S = 0.02


def session_rows(database: Path, query: str = "SELECT * FROM rtc_session ORDER BY id") -> list[dict[str, Any]]:
    return rows_of(database, query)


def stored_outputs(database: Path) -> dict[str, list[str]]:
    """The JSON of each session's outputs, by session id, in the order in which they were stored."""
    query = "SELECT s.session_id, o.payload FROM rtc_output o JOIN rtc_session s ON s.id = o.session_id ORDER BY o.id"
    stored: dict[str, list[str]] = {}
    for row in rows_of(database, query):
        stored.setdefault(row["session_id"], []).append(row["payload"])
    return stored


async def ended_row(database: Path, session_id: str) -> dict[str, Any]:
    """The newest row of that session, once it has ended. Raises: TimeoutError."""
    return await row_in_state(database, session_id, "ended")


async def row_in_state(database: Path, session_id: str, state: str) -> dict[str, Any]:
    """The newest row of that session, once it is in that state. Raises: TimeoutError."""
    async with asyncio.timeout(END_TIMEOUT_S):
        while True:
            rows = [row for row in session_rows(database) if row["session_id"] == session_id]
            if rows and rows[-1]["state"] == state:
                return rows[-1]
            await asyncio.sleep(POLL_S)
