"""A Redis server that tests start, stop and kill."""

import subprocess
import time
from pathlib import Path

import redis

from benchmarks.servers import free_port
from scripts.cluster import find_redis_server

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0


class RedisServer:
    """Keeps its port when it is started again, and nothing else.

    Raises:
        RuntimeError: from `start` and `with`, when it does not answer in time.
    """

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        server = find_redis_server()
        if server is None:
            raise RuntimeError("there is no redis-server (Debian: apt-get install redis-server)")
        options = ["--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly", "no"]
        with (self._directory / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([server, *options], cwd=self._directory, stdout=log)
        give_up_at = time.monotonic() + START_TIMEOUT_S
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < give_up_at:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.02)
        self.stop()
        raise RuntimeError("Redis does not answer")

    def stop(self) -> None:
        """Ends it if it runs; whoever is connected sees the connection end."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
