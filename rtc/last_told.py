"""What the last heartbeat of a lost worker said of a session, for its record. That worker may be of another release."""

import logging
from typing import Any, TypeGuard

from django.core.exceptions import ValidationError
from django.db.models import IntegerField

from rtc.models import Session

logger = logging.getLogger(__name__)

COUNTS = ("frames_in", "frames_out", "frames_dropped", "errors")
SAMPLE_LENGTH = 5
"""See `rtc.sampling`."""


def last_told(figures: Any, session_pk: int) -> dict[str, Any]:
    """Fields of the session's row; none when nothing was said of it, or nothing that the row can take."""
    told = figures.get(str(session_pk)) if isinstance(figures, dict) else None
    if told is None:
        return {}
    if not is_well_formed(told):
        logger.warning("session row %d: what its worker told of it last is of no form we know", session_pk)
        return {}
    return {**{name: told[name] for name in COUNTS}, "history": told["recent"]}


def is_well_formed(told: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a session's row can take what its worker told of it."""
    if not isinstance(told, dict) or not all(_is_count(name, told.get(name)) for name in COUNTS):
        return False
    samples = told.get("recent")
    return isinstance(samples, list) and all(_is_sample(sample) for sample in samples)


def _is_count(name: str, value: Any) -> bool:
    """Whether it is a number that the column has room for."""
    field = Session._meta.get_field(name)
    assert isinstance(field, IntegerField)
    if type(value) is not int:
        return False
    try:
        field.run_validators(value)
    except ValidationError:
        return False
    return True


def _is_sample(sample: Any) -> bool:
    numbers = isinstance(sample, list) and all(type(value) in (int, float) for value in sample)
    return numbers and len(sample) == SAMPLE_LENGTH
