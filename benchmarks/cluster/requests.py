"""The HTTP beside a call, on bare asyncio streams: a client library's own time would be most of what is measured."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

HEAD_END = b"\r\n\r\n"
LONGEST_LINE = 1 << 20  # bytes


class HookClient:
    """Posts to `/input_hook` of one worker on a connection that it keeps."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> HookClient:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._writer.close()

    async def post(self, session_id: str, inputs: list[Any]) -> tuple[int, float]:
        """Gives the status, and how long the answer took, in seconds."""
        body = json.dumps({"webrtc_id": session_id, "inputs": inputs}).encode()
        head = (
            f"POST /input_hook HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(HEAD_END)).lower()
        _, _, rest = answer.partition(b"content-length:")
        await self._reader.readexactly(int(rest.split(b"\r\n")[0]))
        return int(answer.split()[1]), time.perf_counter() - began


async def outputs_of(port: int, session_id: str) -> AsyncIterator[Any]:
    """The value of each output on `/outputs` of one worker, as it comes, until the stream ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_LINE)
    head = (
        f"GET /outputs?webrtc_id={session_id} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
    )
    writer.write(head.encode())
    try:
        status = (await reader.readuntil(HEAD_END)).split()[1]
        if status != b"200":
            raise ConnectionError(f"/outputs answered {status!r}")
        event = b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line.removeprefix(b"event: ").strip()
            elif line.startswith(b"data: ") and event == b"output":
                yield json.loads(line.removeprefix(b"data: "))
    finally:
        writer.close()
