"""What is said of a session, or of a worker, when it is recorded."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is at the other end.

    Args:
        user: a Django user, or None.
        owner_key: see `rtc.ownership`.
        ticket: nonce of the ticket that was shown, and when it would have expired.
    """

    user: Any = None
    owner_key: str = ""
    ticket: str = ""
    ticket_expires_at: datetime | None = None
    address: str | None = None
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyLimits:
    """How many sessions may run at once; None: any number."""

    stream: int | None = None
    user: int | None = None
    overall: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one session amounted to."""

    frames_in: int = 0
    frames_out: int = 0
    frames_dropped: int = 0
    errors: int = 0
    sample_rate: int | None = None
    history: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a worker is doing.

    Args:
        figures: of its sessions, by the primary key of each.
        totals: what it has counted since it started, see `rtc.tally`.
    """

    session_count: int = 0
    lag_ms: float = 0.0
    cpu_percent: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, Any] = field(default_factory=dict)
