"""A project that someone makes by following the README, in an environment that has nothing installed."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.blocks import ROOT, Block

TIMEOUT_S = 120
READY_S = 30.0
STOP_S = 10.0
INSTALL = ROOT / "scripts" / "install"
CHECKOUT = "path/to/this/checkout"
PASSWORD = "a password for the shop"
ADMIN = {
    "DJANGO_SUPERUSER_USERNAME": "keeper",
    "DJANGO_SUPERUSER_EMAIL": "keeper@shop.example",
    "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
}


class Shop:
    """Does what blocks of the README say. Starts with an empty directory and an empty environment.

    A person's hands are replaced in four places: `createsuperuser` does not ask, `runserver` is given a free port and
    no reloader, `rtc_call` is told that port, and the checkout is the wheel that was built from it.

    Args:
        wheel: what is installed in place of the checkout.
    """

    def __init__(self, directory: Path, wheel: Path) -> None:
        self.directory = directory
        self.output = ""
        self._wheel = wheel
        self._environment = self._make_environment(directory)
        self._server: subprocess.Popen[str] | None = None
        self._log = directory / "server.log"
        self.url = ""

    def follow(self, block: Block) -> str:
        """Returns what its commands printed."""
        if block.file is not None:
            return self._write(*block.file, block.text)
        assert block.language == "sh", f"{block.place}: neither a file nor commands"
        return "".join(self._run(line, block.place) for line in block.text.splitlines())

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _write(self, name: str, add: bool, text: str) -> str:
        path = self.directory / name
        path.write_text(path.read_text() + text if add else text)
        return ""

    def _run(self, line: str, place: str) -> str:
        words = [word.replace(CHECKOUT, str(self._wheel)) for word in shlex.split(line)]
        match words:
            case ["cd", name]:
                self.directory = self.directory / name
                return ""
            case ["python", "manage.py", "runserver"]:
                self._start([*words, "--noreload"])
                return ""
            case ["python", "manage.py", "createsuperuser"]:
                words.append("--noinput")
            case ["python", "manage.py", "rtc_call", *_]:
                words += ["--url", f"{self.url}/voice/"]
        done = subprocess.run(
            ["env", *words],
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, f"{place}: {line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _start(self, words: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("w") as log:
            self._server = subprocess.Popen(
                ["env", *words, f"127.0.0.1:{port}"],
                cwd=self.directory,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        give_up_at = time.monotonic() + READY_S
        while not self._answers():
            assert self._server.poll() is None and time.monotonic() < give_up_at, self.log
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/voice/", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    @staticmethod
    def _make_environment(directory: Path) -> dict[str, str]:
        """An empty virtual environment. Its `pip install` is what sets the checkout up, in a fifth of the time."""
        venv, tools = directory / "venv", directory / "tools"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        tools.mkdir()
        pip = tools / "pip"
        pip.write_text(f'#!/bin/sh\nshift\nexec {INSTALL} --python {venv}/bin/python "$@"\n')
        pip.chmod(0o755)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"DJANGO|RTC_|PYTHON|VIRTUAL_ENV|PYTEST|DATABASE_URL|REDIS_URL|DEBUG|SECRET_KEY", name)
        }
        return {
            **inherited,
            **ADMIN,
            "PATH": f"{venv}/bin:{tools}:{os.environ.get('PATH', os.defpath)}",
        }
