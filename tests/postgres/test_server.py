import os
import shutil

import psycopg
import pytest
from django.db import connection

from tests.postgres import server
from tests.postgres.server import PostgresServer, package_directory


def test_it_answers_while_it_is_wanted_and_leaves_nothing():
    with PostgresServer() as postgres:
        with psycopg.connect(postgres.url()) as found:
            assert found.execute("SELECT 1").fetchone() == (1,)
        directory = postgres._directory
    assert not directory.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.url())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand it to another user")
def test_it_runs_where_its_user_may_not_look(tmp_path, monkeypatch):
    package = package_directory()
    barred = tmp_path / "barred"
    barred.mkdir(mode=0o700)
    shutil.copytree(package / server.INSTALLATION, barred / package.name / server.INSTALLATION)
    shutil.copytree(package.with_name(f"{package.name}.libs"), barred / f"{package.name}.libs")
    monkeypatch.setattr(server, "package_directory", lambda: barred / package.name)
    with PostgresServer() as postgres, psycopg.connect(postgres.url()) as found:
        assert found.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such thing: see make test-postgres")
def test_a_frozen_workers_transaction_is_ended():
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("5s",)
