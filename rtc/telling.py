"""Telling a project what happened: one thread of its own sends all signals, one after the other.

A receiver may take its time. It holds up those that come after it, and neither a heartbeat, nor an admission, nor the
record.
"""

import logging
from typing import Any

from django.db import close_old_connections
from django.dispatch import Signal

from rtc.models import Session
from rtc.ordered import OrderedThread
from rtc.signals import session_ended, session_started

logger = logging.getLogger(__name__)

BEHIND = 1000
"""How many signals may wait before that is logged, and again at each multiple. None is dropped: an end is told once."""

start_recorded, end_recorded = Signal(), Signal()
"""For this package: sent in the thread that wrote it, so that readers don't wait for a project's receivers."""

_thread = OrderedThread("rtc-signals", awaited=True)


def tell(signal: Signal, **named: Any) -> None:
    """Send a signal after all that were to be sent before. From any thread."""
    _thread.submit(_send, signal, named)
    if (waiting := _thread.waiting) and waiting % BEHIND == 0:
        logger.warning("%d signals wait for their receivers", waiting)


def tell_started(session: Session) -> None:
    start_recorded.send_robust(Session, session=session)
    tell(session_started, session=session)


def tell_ended(session: Session) -> None:
    end_recorded.send_robust(Session, session=session)
    tell(session_ended, session=session)


def settle(timeout_s: float) -> bool:
    """Wait until all signals so far were sent; False when that takes too long."""
    return _thread.finish(timeout_s)


def _send(signal: Signal, named: dict[str, Any]) -> None:
    close_old_connections()  # as Django does round requests: receivers may use the database
    try:
        signal.send_robust(Session, **named)
    finally:
        close_old_connections()
