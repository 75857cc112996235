"""The Channels shell on a real database, through the routes of the project."""

import asyncio
import json

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from rtc import Stream, consumers
from rtc.core.messages import Media, serialize
from rtc.models import Session
from rtc.routing import not_found, websocket_urlpatterns
from tests.callers import MULAW_24K, SILENCE
from tests.subjects import Echo, Scripted, SyncEcho
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)
application = URLRouter([*websocket_urlpatterns, not_found])

echo = Stream(Echo)
blocking_echo = Stream(SyncEcho)
single = Stream(Echo, concurrency_limit=1)
short = Stream(Echo, time_limit=0.1)


@pytest.fixture(autouse=True)
def streams(settings):
    settings.RTC_STREAMS = {
        name: f"{__name__}.{path}"
        for name, path in {"default": "echo", "blocking": "blocking_echo", "single": "single", "short": "short"}.items()
    }
    settings.ALLOWED_HOSTS = ["shop.example"]


class Phone(WebsocketCommunicator):
    def __init__(self, alias=None, headers=None, path=None, **scope):
        path = path or (f"/{alias}/websocket/offer" if alias else "/websocket/offer")
        super().__init__(application, path, headers=[(b"host", b"shop.example"), *(headers or [])])
        self.scope.update(scope)

    async def say(self, **message):
        await self.send_to(text_data=json.dumps(message))

    async def start(self, session_id="a", **more):
        accepted, _ = await self.connect()
        assert accepted
        await self.say(event="start", websocket_id=session_id, media_format=MULAW_24K, **more)
        return await self.receive_json_from()

    async def echo(self):
        await self.send_to(text_data=serialize(Media(SILENCE * 480)))
        return await self.receive_json_from()

    async def closed(self):
        """The messages before the close, and its code."""
        messages = []
        while (output := await self.receive_output())["type"] == "websocket.send":
            messages.append(json.loads(output["text"]))
        assert output["type"] == "websocket.close"
        return messages, output["code"]

    async def hang_up(self):
        await self.say(event="stop")
        found = await self.closed()
        await self.disconnect()
        return found


async def rows(count, **fields):
    """The record, once as many rows of this kind are in it as there must be."""

    async def found():
        return [row async for row in Session.objects.filter(**fields)]

    async with asyncio.timeout(5):
        while len(await found()) != count:
            await asyncio.sleep(0.01)
    return await found()


@pytest.mark.parametrize("alias", [None, "default", "blocking"])
async def test_a_call_from_start_to_end(alias):
    phone = Phone(alias, headers=[(b"user-agent", b"phone")], client=("192.0.2.1", 5000))
    assert (await phone.start("a"))["event"] == "started"
    (row,) = await rows(1, state="active")
    assert (row.session_id, row.stream, row.client_address) == ("a", alias or "default", "192.0.2.1")
    for _ in range(5):
        assert await phone.echo() == Media(SILENCE * 480).to_wire()
    await phone.say(event="ping")
    assert await phone.receive_json_from() == {"event": "pong"}
    assert await phone.hang_up() == ([{"type": "end", "data": {"reason": "client_stop"}}], 1000)
    (row,) = await rows(1, state="ended")
    assert (row.end_reason, row.close_code, row.frames_in, row.frames_out) == ("client_stop", 1000, 5, 5)
    assert (row.user_agent, row.sample_rate, row.rate_declared) == ("phone", 24000, True)


async def test_leaving_before_start(caplog):
    phone = Phone()
    await phone.connect()
    await phone.disconnect()
    await rows(0)
    assert caplog.records == []


async def test_a_client_that_vanishes_is_recorded():
    phone = Phone()
    await phone.start()
    await phone.disconnect()
    (row,) = await rows(1, state="ended")
    assert (row.end_reason, row.close_code) == ("client_gone", None)


async def test_junk_keeps_the_session():
    phone = Phone()
    await phone.start()
    for frame in ({"text_data": "{"}, {"bytes_data": b"binary"}, {"text_data": '{"event":"start"}'}):
        await phone.send_to(**frame)
        assert (await phone.receive_json_from())["type"] == "error"
    assert (await phone.echo())["event"] == "media"
    await phone.hang_up()
    (row,) = await rows(1, state="ended")
    assert row.errors == 3


async def test_too_much_junk_ends_the_session():
    phone = Phone()
    await phone.start()
    for _ in range(21):
        await phone.send_to(text_data="{")
    messages, code = await phone.closed()
    assert code == 4400
    assert messages[-1] == {"type": "end", "data": {"reason": "too_many_errors"}}
    await phone.send_to(text_data="{")
    assert await phone.receive_nothing()
    await phone.disconnect()


async def test_a_second_start_with_a_live_id_is_refused_on_another_socket_and_the_first_lives_on():
    first = Phone()
    await first.start("a")
    second = Phone("blocking")
    refusal = await second.start("a")
    assert refusal == {"status": "failed", "meta": {"error": "connection_already_exists"}}
    assert await second.closed() == ([{"type": "end", "data": {"reason": "connection_already_exists"}}], 4409)
    await second.disconnect()
    assert (await first.echo())["event"] == "media"
    await first.hang_up()
    await rows(0, state="active")
    again = Phone()
    assert (await again.start("a"))["event"] == "started"
    await again.hang_up()


async def test_the_concurrency_limit_is_exact():
    phones = [Phone("single") for _ in range(5)]
    answers = await asyncio.gather(*(phone.start(f"session-{count}") for count, phone in enumerate(phones)))
    assert sorted(answer.get("event", "refused") for answer in answers) == ["refused"] * 4 + ["started"]
    refusal = {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 1}}
    for answer, phone in zip(answers, phones, strict=True):
        if "event" in answer:
            await phone.hang_up()
        else:
            assert answer == refusal
            assert (await phone.closed())[1] == 4429
            await phone.disconnect()
    await rows(0, state="active")
    last = Phone("single")
    assert (await last.start("last"))["event"] == "started"
    await last.hang_up()


async def test_the_time_limit_ends_a_call():
    phone = Phone("short")
    await phone.start()
    assert await phone.closed() == ([{"type": "end", "data": {"reason": "time_limit"}}], 1000)
    await phone.disconnect()


async def test_20_calls_at_once():
    phones = [Phone("blocking") for _ in range(20)]
    await asyncio.gather(*(phone.start(f"session-{count}") for count, phone in enumerate(phones)))
    for _ in range(5):
        answers = await asyncio.gather(*(phone.echo() for phone in phones))
        assert {answer["event"] for answer in answers} == {"media"}
    await asyncio.gather(*(phone.hang_up() for phone in phones))
    await rows(20, state="ended", end_reason="client_stop")


async def refused(phone):
    accepted, _ = await phone.connect()
    assert accepted, "a refusal before accept would be a bare 403"
    messages, code = await phone.closed()
    await phone.say(event="ping")
    await phone.disconnect()
    return [message.get("code") or message["data"]["reason"] for message in messages], code


async def test_a_page_of_another_origin_is_refused():
    """At `start`, which may carry a ticket."""
    phone = Phone(headers=[(b"origin", b"https://other.example")])
    assert await phone.start() == {"status": "failed", "meta": {"error": "origin_not_allowed"}}
    assert await phone.closed() == ([{"type": "end", "data": {"reason": "origin_not_allowed"}}], 4403)
    await phone.disconnect()
    await rows(0)
    phone = Phone(headers=[(b"origin", b"https://shop.example")])
    assert (await phone.start())["event"] == "started"
    await phone.hang_up()


async def test_there_is_no_such_stream():
    assert await refused(Phone("nothing")) == (["no_such_stream"] * 2, 4404)


@pytest.mark.parametrize("path", ["/", "/websocket", "/websocket/offer/", "/a/b/websocket/offer", "/telephone/x"])
async def test_there_is_no_such_address(path):
    assert await refused(Phone(path=path)) == (["not_found"] * 2, 4404)


@pytest.mark.parametrize(("client", "address"), [(None, None), (["", 0], None), (["::1", 5], "::1")])
async def test_only_an_address_is_recorded_as_one(client, address):
    phone = Phone(client=client)
    await phone.start()
    await phone.hang_up()
    (row,) = await rows(1)
    assert row.client_address == address


async def test_a_logged_in_user_is_recorded(django_user_model):
    user = await django_user_model.objects.acreate(username="ann")
    phone = Phone(user=user)
    await phone.start()
    await phone.hang_up()
    (row,) = await rows(1)
    assert row.user_id == user.pk


class Server:
    """The server's end of one socket."""

    def __init__(self, error=None):
        self.sent = []
        self.error = error
        self.incoming = asyncio.Queue()
        self.scope = {"type": "websocket", "url_route": {"kwargs": {"alias": "default"}}, "headers": []}
        self.task = asyncio.ensure_future(consumers.MediaConsumer.as_asgi()(self.scope, self.incoming.get, self.send))

    async def send(self, message):
        if self.error is not None and self.sent:
            raise self.error
        self.sent.append(message)

    async def start(self):
        self.incoming.put_nowait({"type": "websocket.connect"})
        text = json.dumps({"event": "start", "websocket_id": "a"})
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        await rows(1, state="active")
        await until(lambda: self.incoming.empty())


async def test_a_server_that_shuts_down_tells_its_clients():
    server = Server()
    await server.start()
    server.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server.task
    assert [message["type"] for message in server.sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert server.sent[-1]["code"] == 4503
    (row,) = await rows(1, state="ended")
    assert row.end_reason == "shutting_down"


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("gone")])
async def test_a_send_to_a_client_that_is_gone_is_no_error(error, caplog):
    server = Server(error)
    await server.start()
    for _ in range(3):
        server.incoming.put_nowait({"type": "websocket.receive", "text": '{"event":"ping"}', "bytes": None})
    server.incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await server.task
    assert [message["type"] for message in server.sent] == ["websocket.accept"]
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []
    await rows(1, state="ended", end_reason="client_gone")


async def test_a_handler_hears_of_the_end_when_the_client_vanishes(monkeypatch):
    handler = Scripted()
    monkeypatch.setattr(echo, "_make", lambda: handler)
    phone = Phone()
    await phone.start()
    await until(lambda: handler.calls)
    await phone.disconnect()
    await until(lambda: handler.calls == ["start_up", "shutdown"])
