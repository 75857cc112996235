"""A published client whose socket, inputs and outputs meet three different workers."""

from collections.abc import Iterator

import pytest

from tests.browser.path_proxy import PathProxy
from tests.live.cluster import Cluster
from tests.live.servers import migrated

pytestmark = pytest.mark.live

SETTINGS = "tests.browser.settings"
WAIT_MS = 15_000


@pytest.fixture
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with Cluster(3, tmp_path_factory.mktemp, migrated(tmp_path_factory), SETTINGS) as cluster:
        yield cluster


@pytest.fixture
def balancer(cluster) -> Iterator[PathProxy]:
    socket, hook, outputs = cluster.ports
    with PathProxy({"/websocket/offer": socket, "/input_hook": hook, "/outputs": outputs, "": hook}) as balancer:
        yield balancer


def test_a_published_client_notices_nothing_of_several_workers(cluster, balancer, open_page):
    page = open_page(balancer.http_url("/static/browser/sample_client.html?rate=48000"))
    page.click("#connect")
    page.wait_for_function("window.call.decodedSamples > 24000 && window.call.outputs.length > 1", timeout=WAIT_MS)
    page.evaluate("window.call.stop()")
    page.wait_for_function("window.call.state == 'closed'", timeout=WAIT_MS)
    page.wait_for_function("window.call.source.readyState == EventSource.CLOSED", timeout=WAIT_MS)

    asked = open_page(
        balancer.http_url(
            '/static/browser/sample_client.html?rate=48000&path=/asking/websocket/offer&inputs=["Paris", 3]'
        )
    )
    asked.click("#connect")
    asked.wait_for_function(
        "window.call.outputs.filter((output) => output.inputs).length == 2 && window.call.outputs.length > 20",
        timeout=WAIT_MS,
    )
    outputs = asked.evaluate("window.call.outputs")
    assert asked.evaluate("window.call.answers") == [200, 200]
    assert [output["inputs"] for output in outputs if "inputs" in output] == [["Paris", 3]] * 2
    counted = [output["n"] for output in outputs if "n" in output]
    assert counted == list(range(1, len(counted) + 1))
    assert page.problems == asked.problems == []
    logs = [server.log() for server in cluster.servers]
    assert ["WSCONNECT" in log for log in logs] == [True, False, False]
    assert ["POST /input_hook" in log for log in logs] == [False, True, False]
    assert ["GET /outputs" in log for log in logs] == [False, False, True]
