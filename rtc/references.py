"""The foreign keys that lead to sessions, also by way of rows that go with them, and what they keep from deletion."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT, Exists, Model, OuterRef, Q

from rtc.models import Session


@dataclass(frozen=True, slots=True)
class Reference:
    """Args: field: the foreign key. path: how a filter of its model names the row that it leads to in the end."""

    field: Any
    path: str

    @property
    def on_delete(self) -> Any:
        return self.field.remote_field.on_delete

    @property
    def keeps(self) -> bool:
        """Whether what it leads to can't be deleted, whatever else goes."""
        if self.on_delete is RESTRICT:  # a row that goes by another foreign key restricts nothing
            return not any(_cascades(field) for field in self.field.model._meta.concrete_fields)
        return self.on_delete is PROTECT

    @property
    def may_keep(self) -> bool:
        return self.on_delete is RESTRICT or self.is_left_to_the_database

    @property
    def is_left_to_the_database(self) -> bool:
        return self.on_delete is DO_NOTHING and self.field.db_constraint


def direct(model: type[Model]) -> Iterator[Reference]:
    """From each that leads to the model itself, also those without a name on its side."""
    relations: list[Any] = model._meta.get_fields(include_hidden=True)
    for relation in relations:
        if relation.auto_created and not relation.concrete and (relation.one_to_one or relation.one_to_many):
            yield Reference(relation.field, relation.field.name)


def to_sessions() -> Iterator[Reference]:
    """Also by way of rows that go with a session, our own and others'."""
    return _below(Session, "", ())


def _below(model: type[Model], path: str, passed: tuple[Any, ...]) -> Iterator[Reference]:
    for step in direct(model):
        target = step.field.remote_field.model._meta.concrete_model
        if step.field in passed or target is not model._meta.concrete_model:
            continue
        reference = Reference(step.field, f"{step.path}__{path}" if path else step.path)
        yield reference
        if _cascades(step.field):
            yield from _below(step.field.model, reference.path, (*passed, step.field))


def referred_to(references: Iterable[Reference]) -> Q:
    """The rows that one of them leads to."""
    rows = [
        Q(Exists(reference.field.model._base_manager.filter(**{f"{reference.path}__pk": OuterRef("pk")})))
        for reference in references
    ]
    return reduce(or_, rows, Q(pk__in=[]))


def _cascades(field: Any) -> bool:
    return field.is_relation and field.remote_field.on_delete is CASCADE
