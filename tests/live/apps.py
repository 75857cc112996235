import logging
from typing import Any

from django.apps import AppConfig

from rtc.signals import session_ended

logger = logging.getLogger(__name__)


class LiveConfig(AppConfig):
    """Writes into the server's log which ends it tells its project of."""

    name = "tests.live"
    label = "live"

    def ready(self) -> None:
        session_ended.connect(tell_end)


def tell_end(session: Any, **kwargs: Any) -> None:
    logger.info(end_told(session.session_id, session.end_reason))


def end_told(session_id: str, reason: str) -> str:
    return f"the end of {session_id} was told: {reason}"
