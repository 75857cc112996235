"""What goes with sessions that are deleted in the admin, and what of a project's own keeps them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import NestedObjects, quote
from django.db import IntegrityError, connections, router, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from rtc.models import Session
from rtc.references import direct, referred_to, to_sessions

Deleted = tuple[list[Any], dict[str, int], set[str], list[Any]]
"""As `ModelAdmin.get_deleted_objects` has it: what is named, counts by model, permissions that lack, what protects."""


def what_goes(sessions: list[Session], request: HttpRequest, site: AdminSite) -> Deleted:
    """As Django's own, except that our rows are counted, and read only where others refer to them: there may be
    thousands of outputs to each session.
    """
    collector = _Collector(using=router.db_for_write(Session), origin=sessions)
    collector.collect(sessions)
    lacking: set[str] = set()

    def named(row: Model) -> str:
        if not _is_ours(type(row)) and not _may_delete(row, request, site):
            lacking.add(str(row._meta.verbose_name))
        return _link(row, site)

    goes = collector.nested(named)
    return goes, collector.counts(), lacking, [_link(row, site) for row in collector.protected]


@contextmanager
def all_or_nothing(request: HttpRequest) -> Iterator[None]:
    """For what only the deletion itself shows: a row that was added meanwhile, DO_NOTHING, a receiver that protects."""
    try:
        with transaction.atomic(using=router.db_for_write(Session)):
            yield
    except IntegrityError:  # ProtectedError and RestrictedError are, too
        messages.error(request, "Nothing was deleted: other rows, which stay, refer to what would have gone.")


def check_references() -> None:
    """Have the database say now, and not at the end of the transaction, what on_delete=DO_NOTHING leaves to it.

    Raises:
        IntegrityError: a row refers to one that was deleted.
    """
    tables = {reference.field.model._meta.db_table for reference in to_sessions() if reference.is_left_to_the_database}
    if tables:
        connections[router.db_for_write(Session)].check_constraints(table_names=tables)


class _Collector(NestedObjects):
    """Collects as a deletion does, but of our own rows only those that rows of other apps refer to."""

    def __init__(self, using: str, origin: Sequence[Session]) -> None:
        super().__init__(using=using, origin=origin)
        self._ours: Counter[type[Model]] = Counter()

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().related_objects(related_model, related_fields, objs)
        if not _is_ours(related_model):
            return rows
        self._ours[related_model] += rows.count()
        return rows.filter(referred_to(direct(related_model)))

    def counts(self) -> dict[str, int]:
        read: dict[Any, int] = {model: len(rows) for model, rows in self.model_objs.items()}
        by_model = Counter(read) | self._ours
        return {str(capfirst(model._meta.verbose_name_plural)): count for model, count in by_model.items()}


def _is_ours(model: type[Model]) -> bool:
    return model._meta.app_label == Session._meta.app_label


def _may_delete(row: Model, request: HttpRequest, site: AdminSite) -> bool:
    """As Django has it, rows that the admin doesn't know go without being asked for."""
    model = type(row)
    return not site.is_registered(model) or site.get_model_admin(model).has_delete_permission(request, row)


def _link(row: Model, site: AdminSite) -> str:
    name, options = capfirst(row._meta.verbose_name), row._meta
    if not site.is_registered(type(row)):
        return f"{name}: {row}"
    try:
        url = reverse(f"{site.name}:{options.app_label}_{options.model_name}_change", args=(quote(row.pk),))
    except NoReverseMatch:
        return f"{name}: {row}"
    return format_html('{}: <a href="{}">{}</a>', name, url, row)
