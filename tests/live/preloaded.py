"""Python programs that start in a fifth of the time: forked off a process that has imported the libraries, and nothing
of this project.

Run as a module, this is that process. It reads one line of JSON for each program, `Program`, and writes one when it has
started, `{"started": pid}`, and one when it has ended, `{"ended": pid, "code": exit code}`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = [
    "autobahn.twisted.resource",
    "autobahn.twisted.websocket",
    "channels.auth",
    "channels.generic.websocket",
    "channels.routing",
    "channels_redis.core",
    "django.contrib.admin.options",
    "django.contrib.admin.views.main",
    "django.contrib.sessions.backends.db",
    "django.contrib.staticfiles.handlers",
    "django.core.asgi",
    "django.core.management",
    "django.db.backends.sqlite3.base",
    "django.forms",
    "django.views.debug",
    "gripcontrol",
    "jwt",
    "numpy",
    "psycopg",
    "requests",
    "soxr",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.web.http",
    "uvicorn.main",
    "websockets.server",
]
"""None of them may ask for Django's settings or make an event loop: both are a program's own."""
NOT_YET = ["daphne.server", "twisted.internet.reactor"]
"""What makes one."""


class Preloaded:
    """The process that has the libraries, for programs to be forked off. From any thread."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._lock = threading.Lock()
        self._started: Future[int] = Future()
        self._codes: dict[int, Future[int]] = {}
        self._reader = threading.Thread(target=self._read, name="preloaded", daemon=True)
        self._reader.start()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Program:
        """Start `python -u -m` with these arguments. It writes into that file, which is emptied, what it would write to
        its standard output and standard error.
        """
        log.write_bytes(b"")
        program = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        assert self._process.stdin is not None
        with self._lock:
            self._started = Future()
            self._process.stdin.write(json.dumps(program) + "\n")
            self._process.stdin.flush()
            pid = self._started.result()
            return Program(pid, self._codes[pid])

    def close(self) -> None:
        """The programs go on."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "started" in said:
                self._codes[said["started"]] = Future()
                self._started.set_result(said["started"])
            else:
                self._codes.pop(said["ended"]).set_result(said["code"])
        if not self._started.done():
            self._started.set_exception(RuntimeError("the process that has the libraries has ended"))


class Program:
    """One that runs, or has run. As a subprocess.Popen."""

    def __init__(self, pid: int, code: Future[int]) -> None:
        self.pid = pid
        self._code = code

    def poll(self) -> int | None:
        return self._code.result() if self._code.done() else None

    def wait(self, timeout_s: float | None = None) -> int:
        """Gives the exit code, or minus the signal that ended it. Raises: subprocess.TimeoutExpired."""
        try:
            return self._code.result(timeout_s)
        except TimeoutError:
            raise subprocess.TimeoutExpired(str(self.pid), timeout_s or 0.0) from None

    def send_signal(self, number: int) -> None:
        if not self._code.done():
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def preloaded() -> Preloaded:
    """This test process's own."""
    process = Preloaded()
    atexit.register(process.close)
    return process


def serve() -> dict[str, Any]:
    """Start programs until nobody is left to ask for one. In a program's own process, gives what was asked."""
    for name in LIBRARIES:
        importlib.import_module(name)
    assert not [name for name in NOT_YET if name in sys.modules]
    gc.freeze()  # else the first collection of each program copies what it has in common with the others
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    os.read(woken, 4096)
                    _report_ends()
                elif not (line := sys.stdin.readline()):
                    os._exit(0)
                elif pid := os.fork():
                    _tell(started=pid)
                else:
                    signal.set_wakeup_fd(-1)
                    os.close(woken)
                    os.close(wake)
                    program: dict[str, Any] = json.loads(line)
                    return program


def _report_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def _tell(**values: int) -> None:
    sys.stdout.write(json.dumps(values) + "\n")


def run(program: dict[str, Any]) -> None:
    """Become it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(program["log"], os.O_WRONLY)
    for own, standard in (nothing, 0), (log, 1), (log, 2):
        os.dup2(own, standard)
    os.close(nothing)
    os.close(log)
    os.environ.clear()
    os.environ.update(program["environment"])
    module, *sys.argv[1:] = program["arguments"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run(serve())
