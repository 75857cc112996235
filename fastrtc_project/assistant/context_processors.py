from typing import Any

from django.conf import settings
from django.http import HttpRequest


def assistant(request: HttpRequest) -> dict[str, Any]:
    """Whether the assistant's packages are there; without them its stream is left out."""
    return {"assistant_installed": settings.ASSISTANT_INSTALLED}
