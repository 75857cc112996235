"""Packages that only some of the features need."""

import importlib
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def import_extra(module: str, *, extra: str, feature: str) -> Any:
    """The module.

    Raises:
        ImproperlyConfigured: it is not installed; names the extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImproperlyConfigured(
            f'{feature} needs the extra "{extra}": pip install "fastrtc-django[{extra}]" ({error})'
        ) from error
