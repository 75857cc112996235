"""What goes with sessions that are deleted in the admin, and what of a project's own keeps them."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import CASCADE, PROTECT, RESTRICT, Model
from django.utils.text import capfirst

from rtc.models import Session

Deleted = tuple[list[Any], dict[str, int], set[str], list[Any]]
"""As `ModelAdmin.get_deleted_objects` has it: what is named, counts by model, permissions that lack, what protects."""


def what_goes(sessions: list[Session], collected: Callable[[list[Model]], Deleted]) -> Deleted:
    """Counts our own rows: there may be thousands of outputs to each.

    Args:
        collected: Django's own answer, for rows of other apps.
    """
    named: list[Any] = [str(session) for session in sessions]
    counts = {str(capfirst(Session._meta.verbose_name_plural)): len(sessions)}
    lacking: set[str] = set()
    protecting: list[Any] = []
    for relation in _relations():
        rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": sessions})
        if relation.related_model._meta.app_label == Session._meta.app_label:
            counts[str(relation.related_model._meta.verbose_name_plural)] = rows.count()
        elif relation.on_delete in (PROTECT, RESTRICT):
            protecting += [f"{capfirst(relation.related_model._meta.verbose_name)}: {row}" for row in rows]
        elif relation.on_delete is CASCADE:
            its_named, its_counts, its_lacking, its_protecting = collected(list(rows))
            named += its_named
            counts |= its_counts
            lacking |= its_lacking
            protecting += its_protecting
    return named, counts, lacking, protecting


def _relations() -> Iterator[Any]:
    """All that lead to sessions, also those without a name on this side."""
    for field in Session._meta.get_fields(include_hidden=True):
        if field.auto_created and not field.concrete and (field.one_to_one or field.one_to_many):
            yield field
