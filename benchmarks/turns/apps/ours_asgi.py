from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.turns.apps.settings"

from benchmarks.apps.ours import application

__all__ = ["application"]
