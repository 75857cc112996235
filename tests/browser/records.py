"""The server's record of a session's outputs, read from its database file."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

SELECT = """
    SELECT payload FROM rtc_output JOIN rtc_session ON rtc_session.id = rtc_output.session_id
    WHERE rtc_session.session_id = ? ORDER BY rtc_output.position
"""


def stored_outputs(database: Path, session_id: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return [json.loads(payload) for (payload,) in connection.execute(SELECT, [session_id])]
