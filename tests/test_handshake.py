"""What a handler may read of the request that its WebSocket was opened with."""

import json

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from rtc import AsyncStreamHandler, Stream, get_current_context
from rtc.handshake import Handshake
from rtc.routing import not_found, websocket_urlpatterns
from rtc.testing import run_call

application = URLRouter([*websocket_urlpatterns, not_found])
HEADERS = [(b"host", b"shop.example"), (b"x-plan", b"gold"), (b"cookie", b"theme=dark; sessionid=abc")]


class Reading(AsyncStreamHandler):
    async def start_up(self):
        websocket = get_current_context().websocket
        assert websocket is self.session.handshake
        read = {
            "plan": websocket.headers.get("X-Plan"),
            "token": websocket.query_params["token"],
            "theme": websocket.cookies.get("theme"),
            "client": websocket.client,
            "path": websocket.path,
        }
        await self.send_message(json.dumps(read))

    async def receive(self, frame):
        pass

    async def emit(self):
        return None


stream = Stream(Reading)


async def read_with(*headers, **scope):
    phone = WebsocketCommunicator(
        application, "/default/websocket/offer?token=first&token=t%C3%A9&empty=", headers=[*HEADERS, *headers]
    )
    phone.scope.update(scope)
    assert (await phone.connect())[0]
    await phone.send_to(text_data=json.dumps({"event": "start", "websocket_id": "a"}))
    read = await phone.receive_json_from()
    await phone.disconnect()
    return read


@pytest.mark.django_db(transaction=True)
async def test_headers_query_cookies_and_address(settings):
    settings.RTC_STREAMS = {"default": f"{__name__}.stream"}
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert await read_with(client=["192.0.2.1", 5000]) == {
        "plan": "gold",
        "token": "té",
        "theme": "dark",
        "client": ["192.0.2.1", 5000],
        "path": "/default/websocket/offer",
    }
    assert (await read_with((b"origin", b"http://shop.example"), client=None))["client"] is None


@pytest.mark.django_db(transaction=True)
async def test_a_page_that_may_not_act_for_its_user_brings_no_cookies(settings):
    settings.RTC_STREAMS = {"default": f"{__name__}.stream"}
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.RTC_ALLOWED_ORIGINS = ["*"]
    read = await read_with((b"origin", b"https://foreign.example"))
    assert (read["plan"], read["theme"]) == ("gold", None)
    settings.RTC_ALLOWED_ORIGINS = ["https://foreign.example"]
    assert (await read_with((b"origin", b"https://foreign.example")))["theme"] == "dark"


def test_where_there_is_no_socket_there_is_none():
    seen = []

    class Looking(Reading):
        async def start_up(self):
            seen.append(get_current_context().websocket)

    run_call(Stream(Looking), seconds=0.1)
    assert seen == [None]


def test_headers_that_are_no_text_are_read_all_the_same():
    handshake = Handshake({"headers": [(b"cookie", b"a=\xff; ;=;b"), (b"x-name", b"\xe9")], "path": "/"})
    assert handshake.headers["X-NAME"] == "é" and handshake.cookies["a"] == "ÿ"
    assert handshake.query_params == {} and handshake.client is None
