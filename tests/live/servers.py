import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.live.databases import copy, create, url_of
from tests.live.preloaded import preloaded

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = "fastrtc_project.asgi:application"
SETTINGS = "tests.live.settings"
PROJECT_VARIABLES = {
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "RTC_ALLOWED_ORIGINS",
}

COMMANDS = {
    "daphne": ["daphne", "--bind", "127.0.0.1", "--port", "0", APPLICATION],
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", "0", "--lifespan", "off", APPLICATION],
}
LISTENING = re.compile(r"(?:Listening on TCP address|Uvicorn running on http://)\s*127\.0\.0\.1:(\d+)")
START_TIMEOUT_S = 30
POLL_S = 0.02
STOP_TIMEOUT_S = 10


def environment(database: Path, settings: str, extra: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in PROJECT_VARIABLES}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": settings,
        "DATABASE_URL": url_of(database),
        "PYTHONUNBUFFERED": "1",  # Daphne's access log is for tests to read, too
        **extra,
    }


def migrate(database: Path, settings: str = SETTINGS) -> None:
    create(database)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=environment(database, settings, {}),
        check=True,
    )


def migrated(factory: pytest.TempPathFactory) -> Path:
    """A migrated database for servers to have copies of. The first of the test processes that asks for it makes it."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    database, made = shared / "migrated.sqlite3", shared / "migrated"
    with (shared / "migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            migrate(database)
            made.touch()
    return database


class Server:
    """A server process on a free port, with a database and a log file of its own in `directory`.

    Args:
        kind: "daphne" or "uvicorn".
        template: a migrated database; the server works on a copy of it.
        settings: dotted path of the settings module.
        variables: added to the environment, over everything else.
        beside: another server, whose database it shares.
        command: the module that Python is told to run and its arguments, if not that kind's own.

    Raises:
        RuntimeError: from `with`, if the process ends or 30 s pass before it listens; holds the log.
    """

    def __init__(
        self,
        kind: str,
        directory: Path,
        template: Path,
        settings: str = SETTINGS,
        variables: Mapping[str, str] | None = None,
        beside: "Server | None" = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.kind = kind
        self._command = command or COMMANDS[kind]
        self.database = directory / "db.sqlite3" if beside is None else beside.database
        self._template = template if beside is None else None
        self.log_path = directory / "server.log"
        self.environment = environment(self.database, settings, variables or {})
        self._port = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return self._port

    def http_url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def websocket_url(self, path: str = "/websocket/offer") -> str:
        return f"ws://127.0.0.1:{self._port}{path}"

    def log(self) -> str:
        return self.log_path.read_text()

    def __enter__(self) -> "Server":
        if self._template is not None:
            copy(self._template, self.database)
        # The process writes the file itself, so that what it has logged is there once a client has seen its effect.
        self._process = preloaded().start(self._command, self.environment, self.log_path)
        self._wait_for_port()
        if not self._port:
            self.stop()
            raise RuntimeError(f"{self.kind} did not start:\n{self.log()}")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Sends SIGTERM, after 10 s SIGKILL; returns the exit code. The process may be gone already."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self.wait()

    def kill(self) -> int:
        self._process.kill()
        return self.wait()

    def wait(self, timeout_s: float | None = None) -> int:
        """Waits until the process has ended by itself; returns the exit code. Raises: subprocess.TimeoutExpired."""
        return self._process.wait(timeout_s)

    def _wait_for_port(self) -> None:
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < give_up_at:
            if match := LISTENING.search(self.log()):
                self._port = int(match[1])
                return
            time.sleep(POLL_S)
