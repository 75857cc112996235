"""Workers on one database and one Redis, to be tormented."""

import asyncio
import importlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rtc.conf import conf
from tests.live.client import VoiceClient, open_client
from tests.live.records import session_rows
from tests.live.redis_server import RedisServer
from tests.live.servers import Server

WORKERS = 4
POLL_S = 0.05
DECLARED = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}


@dataclass(frozen=True, slots=True)
class Scale:
    """How long things take in one run of the scenarios.

    Args:
        away_s: how long Redis or the database is away.
        frozen_s: how long a worker is.
    """

    settings: str
    away_s: float
    frozen_s: float

    def setting(self, name: str) -> Any:
        """What the workers have."""
        return getattr(importlib.import_module(self.settings), name, getattr(conf, name))


class Cluster:
    """`servers` are its workers; the database is the first's."""

    def __init__(self, count: int, make_directory: Callable[[str], Path], template: Path, settings: str) -> None:
        self.redis = RedisServer(make_directory("redis"))
        self.servers: list[Server] = []
        self._logs: list[Path] = []
        self._count = count
        self._make_directory = make_directory
        self._template = template
        self._settings = settings

    def __enter__(self) -> "Cluster":
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            self.servers = [stack.enter_context(self._make(None))]
            others = [self._make(self.servers[0]) for _ in range(self._count - 1)]
            with ThreadPoolExecutor(len(others)) as pool:  # each takes a second
                self.servers += pool.map(stack.enter_context, others)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @property
    def database(self) -> Path:
        return self.servers[0].database

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def start_another(self) -> Server:
        server = self._make(self.servers[0])
        return self._stack.enter_context(server)

    def replace(self, index: int) -> None:
        """Start a worker in the place of one that is gone."""
        self.servers[index] = self.start_another()

    def log(self) -> str:
        """Of all workers there have been."""
        return "".join(path.read_text() for path in self._logs)

    def http(self, index: int) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        url = self.servers[index].http_url("")
        return httpx.AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False)

    @asynccontextmanager
    async def call(self, index: int, session_id: str, alias: str = "busy", **params: Any) -> AsyncIterator[VoiceClient]:
        """A session that has started on that worker."""
        url = self.servers[index].websocket_url(f"/{alias}/websocket/offer")
        async with open_client(url) as client:
            await client.start(session_id, media_format=DECLARED, params=params)
            await client.wait_for_message(event="started")
            yield client

    def rows(self, session_ids: Collection[str]) -> list[dict[str, Any]]:
        """Their sessions on record."""
        return [row for row in session_rows(self.database) if row["session_id"] in session_ids]

    def all_ended(self, session_ids: Collection[str]) -> bool:
        return {row["state"] for row in self.rows(session_ids)} == {"ended"}

    def _make(self, beside: Server | None) -> Server:
        directory = self._make_directory("worker")
        variables = {"REDIS_URL": self.redis.url}
        server = Server("daphne", directory, self._template, self._settings, variables, beside)
        self._logs.append(server.log_path)
        return server


def new_id() -> str:
    return secrets.token_hex(8)


async def until(condition: Callable[[], bool], timeout_s: float) -> float:
    """Gives how long it took. Raises: TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(POLL_S)
    return time.monotonic() - began
