"""Readers of `/outputs` that take their time cost little, and miss nothing. A caller who does not read is cut off."""

import asyncio
import json
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest

from tests.fuzz.frames import TEXT, frame, upgrade
from tests.live.output_sessions import SETTINGS, new_id, numbered, run_session
from tests.live.readers import Reader
from tests.live.records import ended_row

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.live

READERS = 10
COUNT = 150
FILL = 100_000
EACH_BYTES = 4_000_000
CALLER_BYTES = 20_000_000
SETTLED_S = 2.0
EVENT = re.compile(rb'id: (rtc-\d+:\d+)\ndata: \{"n": (\d+), "fill": "(x+)"\}\n')


def ask(server, session_id: str) -> socket.socket:
    """A reader that has asked, and not begun to read."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", server.port))
    reader.sendall(f"GET /outputs?webrtc_id={session_id} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
    reader.settimeout(10)
    return reader


def read(reader: socket.socket, least: float = float("inf")) -> bytes:
    """All there is to come, or at least so many bytes of it."""
    found = bytearray()
    while len(found) < least and (more := reader.recv(65_536)):
        found += more
    return re.sub(rb"\r\n[0-9a-f]+\r\n", b"", found)  # uvicorn answers in chunks


@contextmanager
def asking(server, session_id: str, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(ask(server, session_id)) for _ in range(count)]


def numbers_in(found: bytes) -> list[dict[str, int]]:
    """The outputs of which all is there."""
    events = EVENT.findall(found)
    return [{"n": int(number)} for _, number, fill in events if len(fill) == FILL]


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_readers_that_do_not_read(start_server, kind):
    server = start_server(kind, settings=SETTINGS)
    process = psutil.Process(server.pid)
    await run_session(server, session_id := new_id(), count=COUNT, fill=FILL)
    with ask(server, session_id) as reader:
        await asyncio.to_thread(read, reader)
    before = process.memory_info().rss
    with asking(server, session_id, READERS) as readers:
        await asyncio.sleep(SETTLED_S)
        grown = process.memory_info().rss - before
        logger.info("%s: %d readers that do not read take %.1f MB", kind, READERS, grown / 1e6)
        assert grown < READERS * EACH_BYTES

        # One begins to read after all, and gets everything.
        found = await asyncio.to_thread(read, readers[0])
        assert numbers_in(found) == numbered(COUNT)
        assert b"event: end\n" in found

        # Another is cut off in the middle of an output, and comes again.
        found = await asyncio.to_thread(read, readers[1], 33 * FILL)
    last_event_id = EVENT.findall(found)[-1][0].decode()
    async with httpx.AsyncClient(base_url=server.http_url(""), timeout=20, trust_env=False) as http:
        again = Reader(http, session_id, last_event_id)
        await again.read()
    assert numbers_in(found) + [{"n": value["n"]} for value in again.values] == numbered(COUNT)
    assert again.ended


async def test_a_caller_who_speaks_and_does_not_read(start_server):
    server = start_server("daphne")
    process = psutil.Process(server.pid)
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.connect(("127.0.0.1", server.port))
        caller.sendall(upgrade(b"/gushing/websocket/offer"))
        caller.recv(1_000)
        caller.sendall(frame(TEXT, json.dumps({"event": "start", "websocket_id": "deaf"}).encode()))
        before = process.memory_info().rss
        row = await ended_row(server.database, "deaf")
        grown = process.memory_info().rss - before
    logger.info("a caller who does not read takes %.1f MB", grown / 1e6)
    assert row["end_reason"] == "client_gone"
    assert grown < CALLER_BYTES
    assert "session deaf: its client does not read" in server.log()
