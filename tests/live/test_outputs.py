import asyncio
import time

import pytest

from tests.live.client import open_client
from tests.live.output_sessions import COUNTING, DECLARED, SETTINGS, new_id, numbered, run_session
from tests.live.readers import Reader
from tests.live.records import ended_row

pytestmark = pytest.mark.live


@pytest.fixture
def server(output_server):
    return output_server


async def test_readers_before_start_during_and_late_get_everything_once_and_in_order(server, http):
    session_id = new_id()
    before, another, during = (Reader(http, session_id) for _ in range(3))
    early = [asyncio.create_task(reader.read()) for reader in (before, another)]
    await asyncio.gather(before.answered.wait(), another.answered.wait())
    async with open_client(server.websocket_url(COUNTING)) as client:
        await client.start(session_id, media_format=DECLARED, params={"count": 30, "pause_s": 0.02, "close": True})
        await client.wait_for_message(type="fetch_output")
        await during.read()
        await client.wait_closed()
        fetches = [a for a in client.messages if a.value == {"type": "fetch_output", "data": []}]
        assert len(fetches) == 30
    assert await asyncio.gather(*early) == [200, 200]
    late = Reader(http, session_id)
    await late.read()

    for reader in (before, another, during, late):
        assert reader.values == numbered(30)
        assert reader.events[-1].type == "end"
        assert reader.events[-1].value == {"reason": "handler_closed"}
        assert [event.id for event in reader.events] == [event.id for event in late.events]
        assert await reader.read() == 204
    assert len({event.id for event in late.events}) == 31


async def test_a_reconnect_goes_on_where_it_was_cut(server, http):
    session_id = new_id()
    async with open_client(server.websocket_url(COUNTING)) as client:
        params = {"count": 25, "pause_s": 0.01, "close": True}
        await client.start(session_id, media_format=DECLARED, params=params)
        reader = Reader(http, session_id)
        await client.wait_for_message(type="fetch_output")
        for _ in range(4):
            await reader.read(6)
        assert not reader.ended
        await reader.read()
    assert reader.values == numbered(25)
    assert reader.ended


async def test_an_unknown_id_is_waited_for_and_then_let_go(server, http):
    reader = Reader(http, new_id())
    began = time.monotonic()
    assert await reader.read() == 200
    assert 1.4 < time.monotonic() - began < 3.0
    assert reader.events == []


@pytest.mark.parametrize("session_id", ["", "a b", "x" * 65, "\u00e9", "../a", "a\n"])
async def test_what_can_be_no_id_is_malformed(http, session_id):
    response = await http.get("/outputs", params={"webrtc_id": session_id})
    assert response.status_code == 400
    assert response.json()["error"] == "bad_session_id"


async def test_no_id_and_other_methods(http):
    assert (await http.get("/outputs")).status_code == 400
    assert (await http.post("/outputs", params={"webrtc_id": "a"})).status_code == 405


async def test_headers(server, http):
    await run_session(server, session_id := new_id(), count=1)
    async with Reader(http, session_id).connection() as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["content-encoding"] == "identity"
        assert response.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(
    "last_event_id",
    ["error", "rtc-{pk}:99", "rtc-{pk}:-1", "rtc-{pk}:x", "rtc-99999:2", "rtc-{pk}:1,b:2", ":", "9" * 99],
)
async def test_a_last_event_id_that_we_never_gave_counts_as_none(server, http, last_event_id):
    await run_session(server, session_id := new_id(), count=3)
    row = await ended_row(server.database, session_id)
    reader = Reader(http, session_id, last_event_id.format(pk=row["id"]))
    assert await reader.read() == 200
    assert reader.values == numbered(3)
    assert reader.ended


async def test_a_reader_of_an_earlier_session_of_that_id_gets_the_new_one_whole(server, http):
    reader = Reader(http, session_id := new_id())
    await run_session(server, session_id, count=5)
    await reader.read()
    await run_session(server, session_id, count=3)
    del reader.events[:]
    assert await reader.read() == 200
    assert reader.values == numbered(3)
    assert await reader.read() == 204


async def test_an_event_source_made_anew_names_its_last_event_in_the_address(server, http):
    await run_session(server, session_id := new_id(), count=3)
    whole = Reader(http, session_id)
    await whole.read()
    anew = Reader(http, session_id, params={"last_event_id": whole.events[1].id})
    assert await anew.read() == 200
    assert anew.values == numbered(3)[2:]
    whole.params = anew.params
    assert await whole.read() == 204  # of an EventSource that goes on by itself, the header counts


@pytest.mark.parametrize("name", ["es-meta", "recover", "link", "lastEventId", "channel"])
async def test_parameters_of_the_library_are_not_ours(server, http, name):
    await run_session(server, session_id := new_id(), count=2)
    reader = Reader(http, session_id, params={name: "true"})
    assert await reader.read() == 200
    assert reader.values == numbered(2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("numpy", {"level": 0.5, "count": 3, "samples": [[0, 1], [2, 3]]}),
        ("datetime", "2030-01-02T03:04:05Z"),
        ("decimal", "1.10"),
        ("uuid", "00000000-0000-0000-0000-000000000007"),
        ("dataclass", {"x": 0.5, "at": "2030-01-02"}),
        ("text", "two\nlines, event: end\r\ndata: \u00fc \U0001f399"),
    ],
)
async def test_values_beyond_json(server, http, name, expected):
    reader = Reader(http, session_id := new_id())
    async with open_client(server.websocket_url("/valued/websocket/offer")) as client:
        await client.start(session_id, params={"value": name})
        assert await client.wait_closed() == 1000
    await reader.read()
    assert reader.values == [expected, [1, "two"]]


@pytest.mark.parametrize(
    ("name", "said"), [("bytes", "bytes"), ("set", "set"), ("lambda", "function"), ("nan", "float")]
)
async def test_values_that_have_no_json_end_the_session_and_say_why(server, http, name, said):
    reader = Reader(http, session_id := new_id())
    async with open_client(server.websocket_url("/valued/websocket/offer")) as client:
        await client.start(session_id, params={"value": name})
        assert await client.wait_closed() == 4500
        error = await client.wait_for_message(type="error")
        assert said in error["data"]
        assert "secret" not in error["data"]
    await reader.read()
    assert [(event.type, event.value) for event in reader.events] == [("end", {"reason": "handler_failed"})]


async def test_sessions_of_a_worker_that_was_killed_end_for_readers_elsewhere(start_server, server, http):
    """Two processes on one database: no announcement goes between them."""
    other = start_server(settings=SETTINGS, beside=server)
    reader = Reader(http, session_id := new_id())
    async with open_client(other.websocket_url(COUNTING)) as client:
        await client.start(session_id, media_format=DECLARED, params={"count": 10})
        reading = asyncio.create_task(reader.read())
        await client.wait_until(lambda: len([a for a in client.messages if a.value.get("type")]) == 10)
        other.kill()
    await asyncio.wait_for(reading, 10)
    assert reader.values == numbered(10)
    assert reader.events[-1].value == {"reason": "worker_lost"}
