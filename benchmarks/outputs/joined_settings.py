"""The project of benchmarks/apps, its workers joined by Redis."""

from __future__ import annotations

from benchmarks.apps.settings import *  # noqa: F403
from benchmarks.cluster.settings import CHANNEL_LAYERS as CHANNEL_LAYERS
