"""Readers of `/outputs`, as an EventSource is one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html"""

    type: str
    data: str
    id: str

    @property
    def value(self) -> Any:
        return json.loads(self.data)


@dataclass
class Reader:
    """One reader of one session, over as many connections as it takes.

    `events` holds outputs and the end, in the order they came; `last_event_id` is what a reconnect sends.
    `answered` is set once the server has answered, `opened` once it has read what there was.
    """

    client: httpx.AsyncClient
    session_id: str
    last_event_id: str = ""
    events: list[ServerSentEvent] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def values(self) -> list[Any]:
        return [event.value for event in self.events if event.type == "output"]

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1].type == "end"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[httpx.Response]:
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        params = {"webrtc_id": self.session_id, **self.params}
        async with self.client.stream("GET", "/outputs", params=params, headers=headers) as response:
            yield response

    async def read(self, count: int | None = None) -> int:
        """Connect and read `count` events more, or all; gives the status."""
        async with self.connection() as response:
            if response.status_code != 200:
                return response.status_code
            self.answered.set()
            wanted = None if count is None else len(self.events) + count
            async for event in parse_events(response):
                self.opened.set()
                if event.type in ("output", "end"):
                    self.events.append(event)
                    self.last_event_id = event.id
                    if len(self.events) == wanted:
                        break
        return 200


async def parse_events(response: httpx.Response) -> AsyncIterator[ServerSentEvent]:
    fields: dict[str, list[str]] = {}
    last_id = ""
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if "id" in fields:
            last_id = fields["id"][-1]
        if "data" in fields:
            yield ServerSentEvent(fields.get("event", ["message"])[-1], "\n".join(fields["data"]), last_id)
        fields = {}
