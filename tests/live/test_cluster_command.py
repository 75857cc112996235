"""`make cluster`, or all of it that comes after installing and migrating."""

import asyncio
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.servers import free_port
from tests.live import databases
from tests.live.client import VoiceClient, open_client
from tests.live.cluster import DECLARED, until
from tests.live.readers import Reader
from tests.live.records import rows_of
from tests.live.servers import ROOT, environment

pytestmark = pytest.mark.live

SETTINGS = "tests.live.cluster_settings"
WORKERS = 2
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0


@dataclass
class Command:
    process: subprocess.Popen
    port: int
    database: Path
    variables: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[psutil.Process]:
        """Those that listen."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if self._listens(child)]

    def _listens(self, process: psutil.Process) -> bool:
        try:
            found = process.net_connections("tcp")
        except psutil.NoSuchProcess:
            return False
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == self.port for one in found)


@pytest.fixture
def command(tmp_path, migrated_database) -> Iterator[Command]:
    database, log = tmp_path / "cluster.sqlite3", tmp_path / "cluster.log"
    databases.copy(migrated_database, database)
    variables = environment(database, SETTINGS, {"CLUSTER_DIRECTORY": str(tmp_path)})
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "scripts/cluster.py", str(WORKERS), "127.0.0.1", str(port)],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=output,
        )
    yield Command(process, port, database, variables)
    process.terminate()
    process.wait(STOP_TIMEOUT_S)


async def start(client: VoiceClient) -> str:
    await client.start(session_id := secrets.token_hex(8), media_format=DECLARED)
    await client.wait_for_message(event="started")
    return session_id


async def test_workers_share_a_port_with_each_other_alone_are_started_again_and_drain(command):
    await until(lambda: len(command.workers()) == WORKERS, START_TIMEOUT_S)
    second = await asyncio.to_thread(start_second, command)
    assert second.stderr == f"127.0.0.1:{command.port} can't be used: Address already in use\n"
    assert second.returncode == 1
    socket = f"ws://127.0.0.1:{command.port}/busy/websocket/offer"
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=command.url, limits=limits, timeout=10, trust_env=False) as http:
        clients = [open_client(socket) for _ in range(12)]
        calls = [await client.__aenter__() for client in clients]
        ids = [await start(call) for call in calls]
        assert len({row["worker_id"] for row in rows_of(command.database, "SELECT * FROM rtc_session")}) == WORKERS
        for session_id in ids:  # whichever worker it meets
            response = await http.post("/input_hook", json={"webrtc_id": session_id, "inputs": [1]})
            assert (response.status_code, response.json()) == (200, {"status": "ok"})
            reader = Reader(http, session_id)
            assert await reader.read(2) == 200

        one, other = command.workers()
        lost = {
            row["session_id"]
            for row in rows_of(
                command.database,
                f"SELECT session_id FROM rtc_session s JOIN rtc_worker w ON w.id = s.worker_id WHERE w.pid = {one.pid}",
            )
        }
        one.kill()
        await until(lambda: len(command.workers()) == WORKERS and one not in command.workers(), START_TIMEOUT_S)
        assert other in command.workers()

        command.process.send_signal(signal.SIGTERM)
        codes = [await call.wait_closed() for call in calls]
        assert [code == 1006 for code in codes] == [session_id in lost for session_id in ids]
        for call, code in zip(calls, codes, strict=True):
            if code != 1006:
                assert (code, call.messages[-1].value["data"]["reason"]) == (4503, "draining")
        for client in clients:
            await client.__aexit__(None, None, None)
    assert await asyncio.to_thread(command.process.wait, STOP_TIMEOUT_S) == 0


def start_second(command: Command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/cluster.py", "1", "127.0.0.1", str(command.port)],
        cwd=ROOT,
        env=command.variables,
        capture_output=True,
        text=True,
        check=False,
    )
