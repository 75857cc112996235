from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.live.cluster import WORKERS, Cluster, Scale
from tests.live.servers import Server, migrated


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory) -> Path:
    return migrated(tmp_path_factory)


@pytest.fixture(scope="session")
def daphne_server(tmp_path_factory, migrated_database) -> Iterator[Server]:
    with Server("daphne", tmp_path_factory.mktemp("daphne"), migrated_database) as server:
        yield server


@pytest.fixture(scope="session")
def uvicorn_server(tmp_path_factory, migrated_database) -> Iterator[Server]:
    with Server("uvicorn", tmp_path_factory.mktemp("uvicorn"), migrated_database) as server:
        yield server


@pytest.fixture(params=["daphne", "uvicorn"])
def server(request) -> Server:
    """Runs the test twice: against each kind of server, shared with the other tests."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def start_server(tmp_path_factory, migrated_database) -> Iterator[Callable[..., Server]]:
    """Starts a server for this test alone: start_server(kind, settings=…, variables=…)."""
    with ExitStack() as stack:

        def start(kind: str = "daphne", **options) -> Server:
            directory = tmp_path_factory.mktemp(kind)
            return stack.enter_context(Server(kind, directory, migrated_database, **options))

        yield start


@pytest.fixture(scope="session")
def output_server(tmp_path_factory, migrated_database) -> Iterator[Server]:
    """Daphne with the streams of `tests.live.output_streams`."""
    directory = tmp_path_factory.mktemp("outputs")
    with Server("daphne", directory, migrated_database, settings="tests.live.output_settings") as server:
        yield server


SHORT = Scale("tests.live.cluster_settings", away_s=2.5, frozen_s=6.0)
LONG = Scale("tests.live.long_cluster_settings", away_s=10.0, frozen_s=20.0)


@pytest.fixture(scope="module", params=[SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
def scale(request) -> Scale:
    """Runs the test twice: in seconds, and with the default settings, which only `make test-long` does."""
    return request.param


@pytest.fixture(scope="module")
def cluster(scale, tmp_path_factory, migrated_database) -> Iterator[Cluster]:
    with Cluster(WORKERS, tmp_path_factory.mktemp, migrated_database, scale.settings) as cluster:
        yield cluster


@pytest.fixture
async def http(server) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the test's server, over as many connections as it takes."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.http_url(""), limits=limits, timeout=20, trust_env=False) as client:
        yield client
