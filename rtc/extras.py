"""Packages that only some of the features need."""

import importlib
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def import_extra(module: str, *, extra: str, feature: str) -> Any:
    """The module.

    Raises:
        ImproperlyConfigured: it is not installed; names the extra that brings it.
    """
    require_extra(module, extra=extra, feature=feature)
    return importlib.import_module(module)


def require_extra(module: str, *, extra: str, feature: str) -> None:
    """The same without importing it."""
    if find_spec(module) is None:
        raise ImproperlyConfigured(
            f'{feature} needs {module}, which is not installed: pip install "fastrtc-django[{extra}]"'
        )
