import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Page

T = TypeVar("T")
TIMEOUT_S = 20


def wait_until(page: Page, condition: str | Callable[[], T]) -> T:
    """Returns the first true value of a callable, or of JavaScript in the page: `wait_for_function`, for pages whose
    policy forbids its `eval`.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if found := page.evaluate(condition) if isinstance(condition, str) else condition():
            return found
        page.wait_for_timeout(10)  # lets the browser speak
    raise AssertionError(f"{condition} was never true")
