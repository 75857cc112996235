"""Who may run, and what the record says of it. Plain functions on the database."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from rtc.core.exceptions import Refused
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.models import Session

ID_IN_USE = 4409
AT_LIMIT = 4429


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is at the other end. `user` is a Django user or None."""

    user: Any = None
    address: str | None = None
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one session amounted to."""

    frames_in: int = 0
    frames_out: int = 0
    frames_dropped: int = 0
    errors: int = 0
    sample_rate: int | None = None


def admit(session_id: str, alias: str, limit: int | None, media_format: MediaFormat | None, caller: Caller) -> int:
    """Record a session that starts now, if its stream has room; gives the row's primary key.

    Raises:
        Refused: `concurrency_limit_reached`, or `connection_already_exists` for an id that is live.
    """
    declared = media_format or MediaFormat(sample_rate=0, encoding=Encoding.MULAW, framing=Framing.JSON)
    try:
        with transaction.atomic():
            if limit is not None and Session.objects.live().filter(stream=alias).count() >= limit:
                raise Refused("concurrency_limit_reached", AT_LIMIT, limit)
            return Session.objects.create(
                session_id=session_id,
                stream=alias,
                user=caller.user,
                encoding=declared.encoding,
                framing=declared.framing,
                sample_rate=declared.sample_rate or None,
                rate_declared=media_format is not None,
                client_address=caller.address,
                user_agent=caller.user_agent[: Session._meta.get_field("user_agent").max_length],
            ).pk
    except IntegrityError as error:
        raise Refused("connection_already_exists", ID_IN_USE) from error


def end(pk: int, reason: str, close_code: int | None, figures: Figures) -> bool:
    """Record that a session has ended; False when that was recorded before."""
    changed = (
        Session.objects.live()
        .filter(pk=pk)
        .update(
            state=Session.State.ENDED,
            ended_at=timezone.now(),
            end_reason=reason,
            close_code=close_code,
            frames_in=figures.frames_in,
            frames_out=figures.frames_out,
            frames_dropped=figures.frames_dropped,
            errors=figures.errors,
            sample_rate=figures.sample_rate,
        )
    )
    return changed == 1
