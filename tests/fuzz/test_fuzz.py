import asyncio
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import psutil
import pytest

from tests.fuzz.attacks import GOODBYE, Attack, attack
from tests.live.client import VoiceClient, open_client
from tests.live.records import session_rows

pytestmark = pytest.mark.live

SEED = 20_240
HOSTILE_PEERS = 12
CONNECT_TIMEOUT_S = 10.0
LEAVE_TIMEOUT_S = 1.5  # some broken handshakes leave the server waiting for the rest of a body
END_TIMEOUT_S = 10.0
SETTLE_TIMEOUT_S = 20.0
FRAME_BYTES = 480
FRAME_S = 0.02
FORMAT = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
RSS_GROWTH_BYTES = 8 * 2**20
# mallopt(3): what is free goes back to the system at once, so that what is measured is what the server holds, and not
# how high its peaks have been.
HELD_MEMORY_ALONE = {"MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_MMAP_THRESHOLD_": "65536"}
DESCRIPTOR_GROWTH = 10  # a handful come and go with database connections; hundreds of sockets did
THREAD_GROWTH = 4
TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ +|].*\n)*.*\n")
LIBRARY_NOISE = re.compile(
    # What follows the client's own close frame, or is no UTF-8, Uvicorn logs before any application sees it.
    r"uvicorn/protocols/websockets/websockets_sansio_impl.py.* in (handle_parser_exception|send_receive_event_to_app)\n"
)
HEADERS_END = b"\r\n\r\n"
AWAITED = {"linger": b'"pong"', "await end": b'"type": "end"'}
CODE = re.compile(rb'"(?:code|reason)": "(\w+)"')
EXPECTED_CODES = {
    "bad_json",
    "unknown_event",
    "bad_media",
    "bad_base64",
    "bad_session_id",
    "bad_params",
    "params_too_big",
    "bad_media_format",
    "bad_mark",
    "not_started",
    "already_started",
    "unexpected_binary",
    "bad_length",
    "too_big",
    "too_many_errors",
    "connection_already_exists",
    "concurrency_limit_reached",
    "no_such_stream",
    "origin_not_allowed",
    "not_found",
    "client_stop",
}


@dataclass
class Tally:
    hostile: int = 0
    never_ended: int = 0
    codes: Counter[str] = field(default_factory=Counter)


# Hostile peers ---------------------------------------------------------------------------------------------------


async def carry_out(attack: Attack, port: int, tally: Tally) -> None:
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = bytearray()
    try:
        async with asyncio.timeout(END_TIMEOUT_S if attack.ending == "await end" else LEAVE_TIMEOUT_S):
            await converse(attack, reader, writer, answer)
    except ConnectionError:
        pass  # the server had enough
    except TimeoutError:
        tally.never_ended += attack.ending == "await end"
    finally:
        writer.transport.abort()
    tally.hostile += attack.count
    tally.codes.update(code.decode() for code in CODE.findall(answer))


async def converse(
    attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytearray
) -> None:
    writer.write(attack.handshake)
    if attack.frames:
        await read_until(reader, answer, HEADERS_END)
        writer.write(attack.frames)
    await writer.drain()
    if attack.ending == "abort":
        return
    if attack.ending in AWAITED:
        await read_until(reader, answer, AWAITED[attack.ending])
    writer.write(GOODBYE)
    await read_until(reader, answer, None)


async def read_until(reader: asyncio.StreamReader, answer: bytearray, wanted: bytes | None) -> None:
    """Returns when `wanted` has come, or all has."""
    while wanted is None or wanted not in answer:
        data = await reader.read(1 << 16)
        if not data:
            return
        answer += data


async def besiege(port: int, numbers: range, live_ids: list[str], tally: Tally) -> None:
    waiting = iter(numbers)

    async def peer() -> None:
        for number in waiting:
            await carry_out(attack(number, SEED, live_ids), port, tally)

    async with asyncio.TaskGroup() as peers:
        for _ in range(HOSTILE_PEERS):
            peers.create_task(peer())


# Honest sessions -------------------------------------------------------------------------------------------------


class Honest:
    """Talks in real time until told to stop."""

    def __init__(self, client: VoiceClient, session_id: str) -> None:
        self.client = client
        self.session_id = session_id
        self.sent = bytearray()
        self._enough = asyncio.Event()

    async def talk(self) -> None:
        rng = Random(self.session_id)
        began = time.monotonic()
        await self.client.start(self.session_id, media_format=FORMAT)
        await self.client.wait_for_message(event="started")
        index = 0
        while not self._enough.is_set():
            payload = rng.randbytes(FRAME_BYTES).replace(b"\x7f", b"\xff")
            self.sent += payload
            await self.client.send_payload(payload)
            index += 1
            await asyncio.sleep(began + index * FRAME_S - time.monotonic())

    async def finish(self) -> None:
        self._enough.set()
        await self.client.wait_for_audio(len(self.sent))
        assert self.client.received_audio() == bytes(self.sent)
        assert [a.value["event"] for a in self.client.messages] == ["started"]
        assert not self.client.closed


# The server ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Footprint:
    rss_bytes: int
    descriptors: int
    threads: int


async def settled(server, live: int) -> Footprint:
    """What the server holds once nothing is left of the hostile sessions."""
    process = psutil.Process(server.pid)
    async with asyncio.timeout(SETTLE_TIMEOUT_S):
        while sum(row["state"] == "active" for row in session_rows(server.database)) > live:
            await asyncio.sleep(0.05)
        threads = process.num_threads() + 1
        while process.num_threads() < threads:  # threads of blocking handlers take a moment to return
            threads = process.num_threads()
            await asyncio.sleep(0.6)
    return Footprint(process.memory_info().rss, process.num_fds(), threads)


@pytest.mark.parametrize(("kind", "connections", "least_hostile"), [("daphne", 2000, 20_000), ("uvicorn", 300, 3_000)])
async def test_hostile_clients_touch_no_session_but_their_own(start_server, kind, connections, least_hostile):
    server = start_server(kind, variables=HELD_MEMORY_ALONE)
    tally = Tally()
    footprints = []
    ids = [f"honest-{secrets.token_hex(4)}" for _ in range(2)]
    exact = server.websocket_url("/exact/websocket/offer")
    single = server.websocket_url("/single/websocket/offer")  # its limit is one session: this one
    async with open_client(exact) as first, open_client(single) as second, asyncio.TaskGroup() as tasks:
        honest = [Honest(client, session_id) for client, session_id in zip((first, second), ids, strict=True)]
        for each in honest:
            tasks.create_task(each.talk())
        await asyncio.gather(*(each.client.wait_for_audio(FRAME_BYTES) for each in honest))
        for third in range(3):
            numbers = range(third * connections // 3, (third + 1) * connections // 3)
            await besiege(server.port, numbers, ids, tally)
            footprints.append(await settled(server, live=len(ids)))
        for each in honest:
            await each.finish()
    await settled(server, live=0)

    assert tally.hostile >= least_hostile
    assert set(tally.codes) >= EXPECTED_CODES
    assert tally.never_ended == 0
    assert_flat(footprints)
    assert [block for block in TRACEBACK.findall(server.log()) if not LIBRARY_NOISE.search(block)] == []
    assert server.log().count("Traceback") == len(TRACEBACK.findall(server.log()))
    rows = {row["session_id"]: row for row in session_rows(server.database)}
    assert all(row["state"] == "ended" for row in rows.values())
    for each in honest:
        row = rows[each.session_id]
        figures = (row["end_reason"], row["frames_in"] * FRAME_BYTES, row["frames_dropped"], row["errors"])
        assert figures == ("client_gone", len(each.sent), 0, 0)


def assert_flat(footprints: list[Footprint]) -> None:
    """The first third is the warm-up."""
    first, *others = footprints
    for later in others:
        assert later.rss_bytes - first.rss_bytes < RSS_GROWTH_BYTES, footprints
        assert later.descriptors - first.descriptors < DESCRIPTOR_GROWTH, footprints
        assert later.threads - first.threads < THREAD_GROWTH, footprints
