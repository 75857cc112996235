"""The databases of servers under test, each known by a path: SQLite's own file or, when the tests run with PostgreSQL's
`DATABASE_URL`, a database of that server whose name is made of it.
"""

import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

SERVER_URL = os.environ.get("DATABASE_URL", "")
ON_POSTGRES = SERVER_URL.startswith("postgres")


def url_of(path: Path) -> str:
    """For DATABASE_URL."""
    return f"{SERVER_URL.rpartition('/')[0]}/{_name(path)}" if ON_POSTGRES else f"sqlite:///{path}"


def create(path: Path) -> None:
    """Make an empty one."""
    if ON_POSTGRES:
        _administer(f"CREATE DATABASE {_name(path)}")


def copy(template: Path, path: Path) -> None:
    """Make one that holds the same. Nothing may be using the template."""
    if ON_POSTGRES:
        # A server that was killed may not have been missed yet.
        leave = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(template)}'"
        _administer(leave, f"CREATE DATABASE {_name(path)} TEMPLATE {_name(template)}")
        return
    with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)  # with what is still in its write-ahead log


def rows_of(path: Path, query: str) -> list[dict[str, Any]]:
    if ON_POSTGRES:
        with psycopg.connect(url_of(path), row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Within it, nobody else writes to it; on PostgreSQL, nobody reads its sessions either."""
    if ON_POSTGRES:
        async with await psycopg.AsyncConnection.connect(url_of(path)) as connection:
            await connection.execute("LOCK TABLE rtc_session, rtc_output, rtc_worker IN ACCESS EXCLUSIVE MODE")
            yield
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def is_locked(path: Path) -> bool:
    """Whether somebody holds SQLite's one write lock."""
    if ON_POSTGRES:
        return False
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0.2)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


def _name(path: Path) -> str:
    return "live_" + hashlib.sha256(str(path).encode()).hexdigest()[:16]


def _administer(*statements: str) -> None:
    with psycopg.connect(SERVER_URL, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
