"""Who may do what: everyone, at every door of a real server."""

import asyncio
import secrets
from contextlib import AsyncExitStack

import httpx
import pytest
from django.conf import settings as ours

from rtc.tickets import make_ticket
from tests.fuzz.frames import upgrade
from tests.live.client import open_client
from tests.live.people import make_people
from tests.live.records import ended_row, session_rows
from tests.live.servers import Server

pytestmark = pytest.mark.live

SETTINGS = "tests.live.hook_settings"
MULAW = {"encoding": "mulaw", "sample_rate": 24000, "framing": "json"}
ANSWERING = "/answering/websocket/offer"
MEMBERS = "/members/websocket/offer"
EVERYONE = ["nobody", "browser", "ann", "bob", "staff", "clerk", "ticket"]
FRIEND = "https://friend.example"
FOREIGN = "https://foreign.example"

# By who started a session: who else may post inputs to it and read its outputs.
OPEN_TO = {
    "nobody": set(EVERYONE),
    "browser": {"browser"},
    "ann": {"ann"},
    "staff": {"staff"},
    # It runs in ann's name, so she may too.
    "ticket": {"ticket", "ann"},
}
NOT_YOURS = (403, {"error": "not_yours", "message": "This session is somebody else's."})

SOCKET = {
    # name: the answer to a start on a stream that is for users, with an id of one's own
    "nobody": 4401,
    "browser": 4401,
    "ann": "started",
    "bob": "started",
    "staff": "started",
    "clerk": "started",
    "ticket": "started",
}
ADMIN = {
    # name: status of the change list and of a session's page; 302 leads to the login
    "nobody": 302,
    "browser": 302,
    "ann": 302,
    "bob": 302,
    "staff": 200,
    "clerk": 403,
    "ticket": 302,
}


@pytest.fixture(scope="module")
def door(tmp_path_factory, migrated_database):
    variables = {"SECRET_KEY": ours.SECRET_KEY}
    with Server("daphne", tmp_path_factory.mktemp("door"), migrated_database, SETTINGS, variables) as server:
        yield server


@pytest.fixture(scope="module")
def people(door):
    return make_people(door, SETTINGS)


def new_id() -> str:
    return secrets.token_hex(8)


class Held:
    """A live session of somebody's, and the ticket it was started with, if any."""

    def __init__(self, person, session_id, client, ticket):
        self.person = person
        self.session_id = session_id
        self.client = client
        self.ticket = ticket


async def start(stack, door, person, path, session_id=None, **options):
    """Connect and ask to start; gives the session and the answer: `started`, or the close code."""
    session_id = session_id or new_id()
    ticket = person.ticket(path.split("/")[1]) if person.ticket else ""
    options.setdefault("additional_headers", person.headers)
    client = await stack.enter_async_context(open_client(door.websocket_url(path), **options))
    await client.start(session_id, media_format=MULAW, **({"params": {"ticket": ticket}} if ticket else {}))
    await client.wait_until(lambda: client.closed or any(m.value.get("event") == "started" for m in client.messages))
    answer = client.socket.close_code if client.closed else "started"
    return Held(person, session_id, client, ticket), answer


def query(person, held) -> dict[str, str]:
    """Who has only tickets shows the one of this session if it is theirs, else one of their own."""
    if person.ticket is None:
        return {}
    return {"ticket": held.ticket or person.ticket("answering")}


async def post(http, person, held, inputs=None, **headers):
    response = await http.post(
        "/input_hook",
        params=query(person, held),
        json={"webrtc_id": held.session_id, "inputs": inputs},
        headers={**person.headers, **headers},
    )
    return response.status_code, response.json()


async def read_outputs(http, person, held, **headers):
    """Status, and the JSON of a refusal, or the first output."""
    params = {"webrtc_id": held.session_id, **query(person, held)}
    async with http.stream("GET", "/outputs", params=params, headers={**person.headers, **headers}) as response:
        if response.status_code != 200:
            await response.aread()
            return response.status_code, response.json()
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                return 200, line.removeprefix("data: ")
    return 200, None


def browser_of(door) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=door.http_url(""), timeout=10)


@pytest.mark.parametrize("owner", OPEN_TO)
async def test_inputs_and_outputs_are_for_the_owner_while_it_lives_and_after(door, people, owner):
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(browser_of(door))
        held, answer = await start(stack, door, people[owner], ANSWERING)
        assert answer == "started"
        for name in EVERYONE:
            may = name in OPEN_TO[owner]
            hook = await post(http, people[name], held)
            outputs = await read_outputs(http, people[name], held)
            assert hook == ((200, {"status": "ok"}) if may else NOT_YOURS), name
            assert outputs == ((200, '"hello"') if may else NOT_YOURS), name

        await held.client.stop()
        await held.client.wait_closed()
        for name in EVERYONE:
            may = name in OPEN_TO[owner]
            status, body = await post(http, people[name], held)
            outputs = await read_outputs(http, people[name], held)
            assert (status, body["error"]) == ((410, "session_over") if may else (403, "not_yours")), name
            assert outputs == ((200, '"hello"') if may else NOT_YOURS), name
            assert may or body == NOT_YOURS[1], "whoever may not can't tell that it is over"


@pytest.mark.parametrize("name", EVERYONE)
async def test_who_may_start(door, people, name):
    person = people[name]
    async with AsyncExitStack() as stack:
        for path, expected in ((ANSWERING, "started"), (MEMBERS, SOCKET[name])):
            held, answer = await start(stack, door, person, path)
            assert answer == expected
            if answer == "started":
                (row,) = [row for row in session_rows(door.database) if row["session_id"] == held.session_id]
                assert row["user_id"] == (people["ann"].pk if person.ticket else person.pk)
                assert bool(row["ticket"]) == bool(person.ticket)


@pytest.mark.parametrize("name", EVERYONE)
async def test_nobody_gets_a_live_session_by_starting_it_again(door, people, name):
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(browser_of(door))
        held, _ = await start(stack, door, people["ann"], ANSWERING)
        _, answer = await start(stack, door, people[name], ANSWERING, held.session_id)
        assert answer == 4409
        assert await post(http, people["ann"], held) == (200, {"status": "ok"})


@pytest.mark.parametrize("name", EVERYONE)
async def test_who_may_see_it_in_the_admin(door, people, name):
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(browser_of(door))
        held, _ = await start(stack, door, people["ann"], ANSWERING)
        (row,) = [row for row in session_rows(door.database) if row["session_id"] == held.session_id]
        for path in ("/admin/rtc/session/", f"/admin/rtc/session/{row['id']}/change/"):
            response = await http.get(path, headers=people[name].headers)
            assert response.status_code == ADMIN[name]
            assert (held.session_id in response.text) == (name == "staff")
            if response.status_code == 302:
                assert "/login/" in response.headers["location"]


async def test_an_id_used_again_by_another_leads_each_to_their_own(door, people):
    """In particular `/outputs` never leads to the other's, live or replayed."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(browser_of(door))
        anns, _ = await start(stack, door, people["ann"], ANSWERING)
        assert await post(http, people["ann"], anns, ["for ann"]) == (200, {"status": "ok"})
        await anns.client.wait_for_message(type="fetch_output")
        await anns.client.stop()
        await anns.client.wait_closed()
        await ended_row(door.database, anns.session_id)
        bobs, answer = await start(stack, door, people["bob"], ANSWERING, anns.session_id)
        assert answer == "started"
        assert await post(http, people["bob"], bobs, ["for bob"]) == (200, {"status": "ok"})
        assert (await post(http, people["ann"], anns, ["for ann"]))[0] == 410
        await bobs.client.stop()
        await bobs.client.wait_closed()
        for name, expected in (("ann", {"for ann"}), ("bob", {"for bob"})):
            response = await http.get("/outputs", params={"webrtc_id": anns.session_id}, headers=people[name].headers)
            assert {word for word in ("for ann", "for bob") if word in response.text} == expected


async def test_pages_of_other_origins(door, people):
    ann, nobody, holder = people["ann"], people["nobody"], people["ticket"]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(browser_of(door))
        anns, _ = await start(stack, door, ann, ANSWERING)
        for origin, expected in ((FRIEND, "started"), (door.http_url(""), "started"), (FOREIGN, 4403)):
            assert (await start(stack, door, ann, ANSWERING, origin=origin))[1] == expected
            hook = await post(http, ann, anns, origin=origin)
            outputs = await read_outputs(http, ann, anns, origin=origin)
            assert (hook[0], outputs[0]) == ((200, 200) if expected == "started" else (403, 403))

        held, answer = await start(stack, door, holder, ANSWERING, origin=FOREIGN)
        assert answer == "started"
        assert await post(http, holder, held, origin=FOREIGN) == (200, {"status": "ok"})
        assert await read_outputs(http, holder, held, origin=FOREIGN) == (200, '"hello"')
        assert await post(http, ann, held, origin=FOREIGN) == (
            403,
            {"error": "origin_not_allowed", "message": "Pages of this origin need a ticket."},
        )
        assert (await post(http, nobody, held, origin=FOREIGN))[0] == 403


@pytest.mark.parametrize("path", ["/input_hook", "/outputs"])
async def test_what_a_foreign_page_may_read(door, path):
    method = "POST" if path == "/input_hook" else "GET"
    async with browser_of(door) as http:
        for origin, credentials in ((FRIEND, "true"), (FOREIGN, None)):
            asked = {"Origin": origin, "Access-Control-Request-Method": method}
            preflight = await http.options(path, headers=asked)
            refusal = await http.request(method, path, headers={"Origin": origin}, params={"webrtc_id": "/"})
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-methods"] == method
            assert refusal.json()["error"]
            for response in (preflight, refusal):
                assert response.headers["access-control-allow-origin"] == origin
                assert response.headers.get("access-control-allow-credentials") == credentials
                assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("way", ["params", "path", "subprotocol"])
async def test_a_ticket_works_once_whichever_way_it_comes(door, way):
    ticket = make_ticket("answering")
    path = f"{ANSWERING}/{ticket}" if way == "path" else ANSWERING
    options = {"subprotocols": [f"ticket.{ticket}"]} if way == "subprotocol" else {}
    fields = {"params": {"ticket": ticket}} if way == "params" else {}
    for expected in (None, "ticket_used"):
        async with open_client(door.websocket_url(path), origin=FOREIGN, **options) as client:
            await client.start(new_id(), media_format=MULAW, **fields)
            if expected is None:
                await client.wait_for_message(event="started")
                assert client.socket.subprotocol == (f"ticket.{ticket}" if way == "subprotocol" else None)
            else:
                assert await client.wait_closed() == 4403
                assert client.messages[-1].value == {"type": "end", "data": {"reason": expected}}


@pytest.mark.parametrize("name", [b"ticket.a%0d%0aX-Injected:%20yes", b"ticket.a%2cb"])
async def test_a_ticket_with_percent_signs_is_none(door, name):
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        writer.write(upgrade(ANSWERING.encode(), b"Sec-WebSocket-Protocol: " + name))
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Protocol" not in answer
    assert b"X-Injected" not in answer


async def test_two_starts_with_one_ticket_at_once(door):
    ticket = make_ticket("answering")
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(open_client(door.websocket_url(ANSWERING))) for _ in range(5)]
        await asyncio.gather(
            *(client.start(new_id(), media_format=MULAW, params={"ticket": ticket}) for client in clients)
        )
        for client in clients:
            await client.wait_until(lambda client=client: client.closed or client.messages)
        started = [client for client in clients if client.messages[0].value.get("event") == "started"]
        assert len(started) == 1
