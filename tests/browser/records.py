"""The server's record of a session's outputs."""

import json
from pathlib import Path
from typing import Any

from tests.live import records


def stored_outputs(database: Path, session_id: str) -> list[Any]:
    return [json.loads(payload) for payload in records.stored_outputs(database).get(session_id, [])]
