"""The server's record of its sessions, read from its database file."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

END_TIMEOUT_S = 5.0
POLL_S = 0.02


def session_rows(database: Path, query: str = "SELECT * FROM rtc_session ORDER BY id") -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


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
