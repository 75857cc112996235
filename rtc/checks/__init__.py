"""System checks: each names a missing or wrong piece of a project that uses rtc, and the line to add.

docs/checks.md lists their ids.
"""

from rtc.checks import deployment, routing, settings, storage, streams

__all__ = ["deployment", "routing", "settings", "storage", "streams"]
