"""The figures of a session as the database has them: its worker's last heartbeat while it lives, its own row after."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from rtc.conf import conf
from rtc.last_told import is_well_formed
from rtc.models import Session, Worker

Sample = list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFigures:
    """Counts are None as long as no heartbeat has told any.

    Args:
        last_activity: when the client was last heard, or the session ended.
        samples: see `rtc.sampling.Sampler`.
    """

    last_activity: datetime
    frames_in: int | None = None
    frames_out: int | None = None
    frames_dropped: int | None = None
    errors: int | None = None
    samples: list[Sample] = field(default_factory=list)


def is_live(session: Session) -> bool:
    return session.state in Session.LIVE


def is_silent(worker: Worker) -> bool:
    """Whether its heartbeat has been overdue for so long that it counts as lost, or did when its row was closed."""
    return (worker.ended_at or timezone.now()) - worker.last_beat_at > timedelta(seconds=conf.RTC_WORKER_LOST_S)


def figures_of(session: Session, *, with_samples: bool = False) -> SessionFigures:
    """Reads the session's worker, and with samples the history of an ended one: have the worker fetched along."""
    if not is_live(session):
        return SessionFigures(
            frames_in=session.frames_in,
            frames_out=session.frames_out,
            frames_dropped=session.frames_dropped,
            errors=session.errors,
            last_activity=session.ended_at or session.started_at,
            samples=session.history if with_samples else [],
        )
    worker = session.worker
    told = worker.figures.get(str(session.pk)) if worker is not None and isinstance(worker.figures, dict) else None
    if worker is None or not is_well_formed(told) or type(told.get("idle_s")) not in (int, float):
        return SessionFigures(last_activity=session.started_at)  # nothing yet, or what a worker of another release told
    return SessionFigures(
        frames_in=told["frames_in"],
        frames_out=told["frames_out"],
        frames_dropped=told["frames_dropped"],
        errors=told["errors"],
        last_activity=worker.last_beat_at - timedelta(seconds=told["idle_s"]),
        samples=told["recent"] if with_samples else [],
    )
