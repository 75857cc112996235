"""Event streams that go no faster than their readers take them, on Daphne: its `send` never waits, and its transport
(Twisted's) keeps whatever it is given. Other servers have `send` wait.
"""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

DAPHNE = "daphne.server"
REQUEST = "rtc.request"
"""The extension of an ASGI scope that holds Twisted's request."""


def expose_requests() -> None:
    """Have Daphne, if it is what serves, tell an application whose request it serves."""
    daphne = sys.modules.get(DAPHNE)
    if daphne is None or hasattr(daphne.Server.create_application, "__wrapped__"):
        return
    create = daphne.Server.create_application

    @wraps(create)
    def create_application(server: Any, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "http":
            scope.setdefault("extensions", {})[REQUEST] = protocol
        return create(server, protocol, scope)

    daphne.Server.create_application = create_application


class Flow:
    """Twisted's streaming producer: told to pause when more waits to be written than its transport wants to keep (64
    KiB), and to resume when all of that has left.
    """

    def __init__(self) -> None:
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Wait until more may be sent."""
        await self._room.wait()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._room.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._room.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._room.set()  # the connection is lost, of which the server tells in its own way


@contextmanager
def flow_to(scope: Mapping[str, Any]) -> Iterator[Flow]:
    """Within it, the flow of what is sent in answer to a request; elsewhere than on Daphne there is always room."""
    flow = Flow()
    request = scope.get("extensions", {}).get(REQUEST)
    if request is None or request.channel is None:
        yield flow
        return
    request.registerProducer(flow, True)
    try:
        yield flow
    finally:
        if getattr(request, "channel", None) is not None:  # else it is over
            request.unregisterProducer()
