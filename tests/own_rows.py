"""A project's own rows that belong to sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, models

from rtc.models import Session

APP = "sessions"  # any that is installed


@contextmanager
def own_model(on_delete: Any) -> Iterator[Any]:
    """A model with a foreign key to `rtc.Session`, and its table, while the block lasts."""

    class Invoice(models.Model):
        session = models.ForeignKey(Session, on_delete=on_delete, related_name="+")

        class Meta:
            app_label = APP

        def __str__(self) -> str:
            return f"No. {self.pk}"

    try:
        with connection.schema_editor() as editor:
            editor.create_model(Invoice)
        yield Invoice
        with connection.schema_editor() as editor:
            editor.delete_model(Invoice)
    finally:
        del apps.all_models[APP]["invoice"]
        apps.clear_cache()
