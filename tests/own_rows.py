"""A project's own rows that belong to sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, models

from rtc.models import Session

APP = "sessions"  # any that is installed


@contextmanager
def own_model(on_delete: Any, to: Any = Session, **also: Any) -> Iterator[Any]:
    """A model with a foreign key to `to`, and its table, while the block lasts.

    Args:
        also: `on_delete` of more foreign keys, by their names.
    """

    keys = {
        name: models.ForeignKey(to, on_delete=then, related_name="+", null=name in also)
        for name, then in {to._meta.model_name: on_delete, **also}.items()
    }
    own = {
        "__module__": __name__,
        "__str__": lambda row: f"No. {row.pk}",
        "Meta": type("Meta", (), {"app_label": APP}),
    }
    invoices: Any = type("Invoice", (models.Model,), {**own, **keys})
    try:
        with connection.schema_editor() as editor:
            editor.create_model(invoices)
        try:
            yield invoices
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(invoices)
    finally:
        del apps.all_models[APP]["invoice"]
        apps.clear_cache()
