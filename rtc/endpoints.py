"""What keeps a project's settings for pages off the addresses that programs ask."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction

View = Callable[..., Any]


def endpoint(view: View) -> View:
    """Of an async view that decides itself whom it answers. It can't be in a transaction, as `ATOMIC_REQUESTS` would
    have it, and whoever shows a ticket or a token is not logged in, as `LoginRequiredMiddleware` asks.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return login_not_required(view)
