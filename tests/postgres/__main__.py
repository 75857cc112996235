"""python -m tests.postgres COMMAND…: run a command with the DATABASE_URL of a server that lives as long as it does."""

import os
import subprocess
import sys

from tests.postgres.server import PostgresServer


def main() -> int:
    if not sys.argv[1:]:
        sys.exit("usage: python -m tests.postgres COMMAND…")
    with PostgresServer() as server:
        return subprocess.run(sys.argv[1:], check=False, env=os.environ | {"DATABASE_URL": server.url()}).returncode


if __name__ == "__main__":
    sys.exit(main())
