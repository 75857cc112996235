"""Where a run leaves what it has measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def save(folder: Path, text: str, figures: Any) -> None:
    """Print the tables, and write them to results.md and the figures to results.json."""
    print(f"\n{text}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(text)
    (folder / "results.json").write_text(json.dumps(figures, indent=1) + "\n")
