"""Traffic beside the echoes, from a process of its own: outputs with readers that come and go, large inputs, or a
handler that computes.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from math import inf
from typing import Any

import httpx
import websockets

BEGUN = "begun"
"""What is printed when all sessions and readers are at work."""
SESSIONS = 20
READERS = 40
STAY_S = (0.2, 1.5)
READ_TIMEOUT_S = 10.0
INPUT_BYTES = 1_900_000


async def outputs(port: int, http_port: int, seconds: float, rate: float, most_away_s: float = inf) -> None:
    """All sessions together put out `rate` outputs a second, to readers that come again as an EventSource does."""
    pause_s = SESSIONS / rate
    params = {"count": max(1, round(seconds / pause_s)), "pause_s": pause_s}
    ids = [f"talk-{os.getpid()}-{index}" for index in range(SESSIONS)]
    beginning = _Beginning(SESSIONS + READERS)
    readers = [_Reader(ids[index % SESSIONS], most_away_s, beginning) for index in range(READERS)]
    reading = asyncio.gather(*(reader.read(http_port) for reader in readers))
    await asyncio.gather(*(_talk(port, session_id, params, beginning) for session_id in ids))
    await reading
    read, expected = sum(reader.count for reader in readers), READERS * params["count"]
    if read != expected:
        sys.exit(f"readers got {read} of {expected} outputs")


async def outputs_to_hasty_readers(port: int, http_port: int, seconds: float, rate: float) -> None:
    """The same to readers that come again at once, as no browser does."""
    await outputs(port, http_port, seconds, rate, most_away_s=0.0)


class _Beginning:
    """Says `BEGUN` once so many have begun."""

    def __init__(self, count: int) -> None:
        self._missing = count

    def one(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            print(BEGUN, flush=True)


async def _talk(port: int, session_id: str, params: dict[str, Any], beginning: _Beginning) -> None:
    async with _socket(port, session_id, params) as socket:
        await socket.recv()
        beginning.one()
        async for _ in socket:
            pass


def _socket(port: int, session_id: str, params: dict[str, Any], stream: str = "talkative") -> Any:
    class Started(websockets.connect):
        async def __aenter__(self) -> Any:
            socket = await super().__aenter__()
            media_format = {"encoding": "mulaw", "sample_rate": 24000}
            start = {"event": "start", "websocket_id": session_id, "media_format": media_format, "params": params}
            await socket.send(json.dumps(start))
            return socket

    return Started(f"ws://127.0.0.1:{port}/{stream}/websocket/offer", compression=None)


class _Reader:
    """Reads one session's outputs, cut off again and again until the stream is over.

    Args:
        most_away_s: how long it stays away then, at most: as long as the stream's `retry` field says, if that is less.
    """

    def __init__(self, session_id: str, most_away_s: float, beginning: _Beginning) -> None:
        self._session_id = session_id
        self._beginning = beginning
        self._most_away_s = most_away_s
        self._away_s = 0.0
        self._last_id = ""
        self.count = 0

    async def read(self, port: int) -> None:
        timeout = httpx.Timeout(READ_TIMEOUT_S)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=timeout) as client:
            while await self._visit(client):
                await asyncio.sleep(self._away_s)

    async def _visit(self, client: httpx.AsyncClient) -> bool:
        """Read until it is cut off; False when the stream was over already."""
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        async with client.stream("GET", f"/outputs?webrtc_id={self._session_id}", headers=headers) as response:
            if response.status_code == 204:
                return False
            until = asyncio.get_running_loop().time() + random.uniform(*STAY_S)
            async for line in response.aiter_lines():
                self._take(line)
                if not line and self._last_id and asyncio.get_running_loop().time() > until:
                    break  # between two events
        return True

    def _take(self, line: str) -> None:
        """Exits when an output is lost or repeated."""
        name, _, value = line.partition(": ")
        if name == "id":
            self._last_id = value
        elif name == "retry":
            self._away_s = min(int(value) / 1000, self._most_away_s)
        elif name == "data" and '"n"' in value:
            self.count += 1
            if self.count == 1:
                self._beginning.one()
            if json.loads(value)["n"] != self.count:
                sys.exit(f"{self._session_id}: output {self.count} was lost or repeated")


async def inputs(port: int, http_port: int, seconds: float, rate: float) -> None:
    """One session is sent `rate` inputs a second, each as large as it may be."""
    session_id = f"input-{os.getpid()}"
    body = json.dumps({"webrtc_id": session_id, "inputs": ["x" * 990] * (INPUT_BYTES // 1000)})
    async with (
        _socket(port, session_id, {"count": 1, "pause_s": seconds + 5}) as socket,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{http_port}", timeout=READ_TIMEOUT_S) as client,
    ):
        await socket.recv()
        _Beginning(1).one()
        for _ in range(round(seconds * rate)):
            response = await client.post("/input_hook", content=body, headers={"Content-Type": "application/json"})
            response.raise_for_status()
            await asyncio.sleep(1 / rate)


async def computing(port: int, http_port: int, seconds: float, rate: float) -> None:
    """One session's handler computes in its thread."""
    async with _socket(port, f"computing-{os.getpid()}", {}, "computing") as socket:
        await socket.recv()
        _Beginning(1).one()
        await asyncio.sleep(seconds)


KINDS = {"outputs": outputs, "hasty": outputs_to_hasty_readers, "inputs": inputs, "computing": computing}

if __name__ == "__main__":
    kind, port, http_port, seconds, rate = sys.argv[1:]
    asyncio.run(KINDS[kind](int(port), int(http_port), float(seconds), float(rate)))
