"""How the admin words things."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html

from rtc.admin_figures import SessionFigures, is_live, is_silent
from rtc.admin_timeline import clock
from rtc.models import Session, Worker
from rtc.registry import WORKER_LOST

NOTHING = "–"
TROUBLE_CODES = {4400, 4413, 4500}
"""Close codes of sessions that went wrong, on the client's side or ours."""
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def state_badge(session: Session) -> str:
    """The state and, once ended, why; a live session whose worker is silent says so."""
    if is_live(session):
        silent = session.worker is not None and is_silent(session.worker)
        look, text = ("trouble", "worker silent") if silent else ("live", session.get_state_display())
        return format_html('<span class="rtc-state rtc-{}">{}</span>', look, text)
    badly = session.end_reason == WORKER_LOST or session.close_code in TROUBLE_CODES
    badge = format_html('<span class="rtc-state rtc-{}">ended</span>', "trouble" if badly else "ended")
    return format_html('{} <span class="rtc-quiet">{}</span>', badge, session.end_reason)


def moment_text(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def ago_text(moment: datetime) -> str:
    """How long ago, and exactly when on hovering."""
    past_s = max((timezone.now() - moment).total_seconds(), 0.0)
    if past_s < MINUTE_S:
        text = f"{past_s:.0f} s ago"
    elif past_s < HOUR_S:
        text = f"{past_s / MINUTE_S:.0f} min ago"
    elif past_s < DAY_S:
        text = f"{past_s / HOUR_S:.0f} h ago"
    else:
        text = date_format(timezone.localtime(moment), "SHORT_DATE_FORMAT")
    return format_html('<span title="{}">{}</span>', moment_text(moment), text)


def count_text(count: int | None) -> str:
    return NOTHING if count is None else number_format(count, force_grouping=True)


def session_count(count: int) -> str:
    return f"{count} session" if count == 1 else f"{count} sessions"


def worker_text(worker: Worker | None) -> str:
    return NOTHING if worker is None else f"{worker.host}:{worker.pid}"


def figure_rows(session: Session, figures: SessionFigures) -> list[tuple[str, Any]]:
    """Name and value of all that is known of a session but its timeline and samples."""
    rate = f"{session.sample_rate} Hz" if session.sample_rate else "not known yet"
    origin = "declared" if session.rate_declared else "measured"
    return [
        ("Session id", session.session_id),
        ("State", state_badge(session)),
        ("Stream", session.stream),
        ("User", session.user or "nobody logged in"),
        ("Started", moment_text(session.started_at)),
        ("Ended", moment_text(session.ended_at) if session.ended_at else NOTHING),
        ("Lasted" if session.ended_at else "Age", clock(session.duration.total_seconds())),
        ("Last activity", ago_text(figures.last_activity)),
        ("Frames in", count_text(figures.frames_in)),
        ("Frames out", count_text(figures.frames_out)),
        ("Frames dropped", count_text(figures.frames_dropped)),
        ("Errors", count_text(figures.errors)),
        ("Client's audio", f"{session.encoding}, {rate}{f' ({origin})' if session.sample_rate else ''}"),
        ("Framing", session.framing),
        ("Close code", str(session.close_code or NOTHING)),
        ("Worker", worker_text(session.worker)),
        ("Client address", session.client_address or NOTHING),
        ("User agent", session.user_agent or NOTHING),
    ]
