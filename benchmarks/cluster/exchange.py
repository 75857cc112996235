"""Inputs and outputs of sessions on several workers, and how long each took."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.cluster.requests import HookClient, outputs_of

MEDIA_FORMAT = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send for `seconds`, over all sessions.

    Args:
        ports: of the workers. Session i is on worker i; its inputs are posted to, and its outputs read from, the worker
            `offset` further on.
    """

    ports: Sequence[int]
    offset: int
    sessions: int
    hooks_per_s: float
    outputs_per_s: float
    seconds: float

    def home(self, index: int) -> int:
        return self.ports[index % len(self.ports)]

    def away(self, index: int) -> int:
        return self.ports[(index + self.offset) % len(self.ports)]


@dataclass(slots=True)
class Exchange:
    """Times in ms: from the request for a hook to its answer, and from the emission of an output to its reader.

    `refused` counts answers of hooks that were not 200.
    """

    hook_ms: list[float] = field(default_factory=list)
    output_ms: list[float] = field(default_factory=list)
    refused: int = 0


async def exchange(plan: Plan) -> Exchange:
    result = Exchange()
    begin_at = time.monotonic() + SETTLE_S / 2
    async with asyncio.TaskGroup() as group:
        for index in range(plan.sessions):
            group.create_task(_session(plan, index, begin_at, result))
    return result


async def _session(plan: Plan, index: int, begin_at: float, result: Exchange) -> None:
    """Outputs and inputs come at a steady rate, from the sessions in turn."""
    session_id = secrets.token_hex(8)
    first_at = begin_at + (index / plan.outputs_per_s if plan.outputs_per_s else 0.0)
    async with calling(plan.home(index), session_id, plan.outputs_per_s / plan.sessions, first_at):
        reading = asyncio.create_task(_read(plan.away(index), session_id, result))
        await asyncio.sleep(SETTLE_S)
        posting = asyncio.create_task(_post(plan, index, session_id, result))
        await asyncio.sleep(plan.seconds)
        for task in (reading, posting):
            task.cancel()
        await asyncio.wait([reading, posting])
        for task in (reading, posting):
            if not task.cancelled():
                task.result()  # it failed, or had no reason to end


@asynccontextmanager
async def calling(
    port: int, session_id: str, outputs_per_s: float, first_at: float = 0.0
) -> AsyncIterator[ClientConnection]:
    """A started session of the stream `busy`, which hangs up at the end.

    Args:
        first_at: when the first output is due, on the machine's monotonic clock.
    """
    url = f"ws://127.0.0.1:{port}/busy/websocket/offer"
    async with connect(url, compression=None, proxy=None) as socket:
        params = {"outputs_per_s": outputs_per_s, "first_at": first_at}
        start = {"event": "start", "websocket_id": session_id, "media_format": MEDIA_FORMAT, "params": params}
        await socket.send(json.dumps(start))
        answer = json.loads(await socket.recv())
        if answer.get("event") != "started":
            raise ConnectionError(f"not started: {answer}")
        reading = asyncio.create_task(_drain(socket))
        try:
            yield socket
        finally:
            await socket.send('{"event":"stop"}')
            await reading


async def _drain(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


async def _read(port: int, session_id: str, result: Exchange) -> None:
    began = time.monotonic()
    async for value in outputs_of(port, session_id):
        now = time.monotonic()
        if now - began > SETTLE_S:  # the first answer holds what was there before
            result.output_ms.append((now - value["at"]) * 1000)


async def _post(plan: Plan, index: int, session_id: str, result: Exchange) -> None:
    if not plan.hooks_per_s:
        await asyncio.Event().wait()
    every_s = plan.sessions / plan.hooks_per_s
    loop = asyncio.get_running_loop()
    begin = loop.time() + every_s * index / plan.sessions
    async with HookClient(plan.away(index)) as client:
        for number in itertools.count():
            await asyncio.sleep(begin + number * every_s - loop.time())
            status, took_s = await client.post(session_id, [number])
            result.hook_ms.append(took_s * 1000)
            result.refused += status != 200
