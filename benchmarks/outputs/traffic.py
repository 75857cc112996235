"""Traffic beside the echoes, from a process of its own: outputs with readers that come and go, or large inputs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from typing import Any

import httpx
import websockets

SESSIONS = 20
READERS = 40
STAY_S = (0.2, 1.5)
READ_TIMEOUT_S = 10.0
INPUT_BYTES = 1_900_000


async def outputs(port: int, seconds: float, rate: float) -> None:
    """All sessions together put out `rate` outputs a second."""
    pause_s = SESSIONS / rate
    params = {"count": max(1, round(seconds / pause_s)), "pause_s": pause_s}
    ids = [f"talk-{os.getpid()}-{index}" for index in range(SESSIONS)]
    readers = [asyncio.create_task(_reader(port, ids[index % SESSIONS])) for index in range(READERS)]
    await asyncio.gather(*(_talk(port, session_id, params) for session_id in ids))
    read = await asyncio.gather(*readers)
    expected = READERS * params["count"]
    if sum(read) != expected:
        sys.exit(f"readers got {sum(read)} of {expected} outputs")


async def _talk(port: int, session_id: str, params: dict[str, Any]) -> None:
    async with _socket(port, session_id, params) as socket:
        async for _ in socket:
            pass


def _socket(port: int, session_id: str, params: dict[str, Any]) -> Any:
    class Started(websockets.connect):
        async def __aenter__(self) -> Any:
            socket = await super().__aenter__()
            media_format = {"encoding": "mulaw", "sample_rate": 24000}
            start = {"event": "start", "websocket_id": session_id, "media_format": media_format, "params": params}
            await socket.send(json.dumps(start))
            return socket

    return Started(f"ws://127.0.0.1:{port}/talkative/websocket/offer", compression=None)


async def _reader(port: int, session_id: str) -> int:
    """How many outputs it read, coming and going until the stream was over. Exits when one is lost or repeated."""
    last_id, count = "", 0
    timeout = httpx.Timeout(READ_TIMEOUT_S)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=timeout) as client:
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            async with client.stream("GET", f"/outputs?webrtc_id={session_id}", headers=headers) as response:
                if response.status_code == 204:
                    return count
                until = asyncio.get_running_loop().time() + random.uniform(*STAY_S)
                async for line in response.aiter_lines():
                    if line.startswith("id: "):
                        last_id = line.removeprefix("id: ")
                    elif line.startswith("data: ") and '"n"' in line:
                        count += 1
                        if json.loads(line.removeprefix("data: "))["n"] != count:
                            sys.exit(f"{session_id}: output {count} was lost or repeated")
                    elif not line and last_id and asyncio.get_running_loop().time() > until:
                        break  # between two events


async def inputs(port: int, seconds: float, rate: float) -> None:
    """One session is sent `rate` inputs a second, each as large as it may be."""
    session_id = f"input-{os.getpid()}"
    body = json.dumps({"webrtc_id": session_id, "inputs": ["x" * 990] * (INPUT_BYTES // 1000)})
    async with (
        _socket(port, session_id, {"count": 1, "pause_s": seconds + 5}) as socket,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=READ_TIMEOUT_S) as client,
    ):
        await socket.recv()
        for _ in range(round(seconds * rate)):
            response = await client.post("/input_hook", content=body, headers={"Content-Type": "application/json"})
            response.raise_for_status()
            await asyncio.sleep(1 / rate)


if __name__ == "__main__":
    kind, port, seconds, rate = sys.argv[1:]
    asyncio.run({"outputs": outputs, "inputs": inputs}[kind](int(port), float(seconds), float(rate)))
