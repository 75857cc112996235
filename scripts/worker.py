"""python scripts/worker.py HOST PORT: one Daphne on a port that it shares with others.

Each has a socket of its own (SO_REUSEPORT), among which the kernel spreads connections evenly. Nobody connects to one
that still loads, or has died.
"""

import os
import socket
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from daphne.cli import CommandLineInterface  # first: it installs the reactor that the rest must find

APPLICATION = "fastrtc_project.asgi:application"
BACKLOG = 1024
"""How many connections may wait to be accepted before the kernel drops more."""


def listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fastrtc_project.settings")
    import_module(APPLICATION.partition(":")[0])  # before anyone can connect
    listener = listen(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["daphne", "--fd", str(listener.fileno()), APPLICATION]
    CommandLineInterface.entrypoint()


if __name__ == "__main__":
    main()
