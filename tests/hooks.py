"""A socket and the requests beside it, in one process and on one event loop, with a real database."""

import asyncio
import json

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import AsyncClient

from rtc import AsyncStreamHandler, StreamHandler
from rtc.models import Session
from rtc.routing import not_found, websocket_urlpatterns
from tests.callers import MULAW_24K

HOST = b"testserver"
OK = (200, {"status": "ok"})


class Asking(AsyncStreamHandler):
    """Asks for input again and again, and tells the client what the handler got."""

    async def start_up(self):
        while True:
            await self.wait_for_args()
            await self.send_message(json.dumps({"got": self.latest_args}, default=repr))
            self.reset()

    async def receive(self, frame):
        pass

    async def emit(self):
        await asyncio.Event().wait()


class BlockingAsking(StreamHandler):
    """The same in a thread."""

    def start_up(self):
        while True:
            self.wait_for_args_sync()
            self.send_message_sync(json.dumps({"got": self.latest_args}, default=repr))
            self.reset()

    def receive(self, frame):
        pass

    def emit(self):
        return None


class Phone(WebsocketCommunicator):
    """One socket. `scope` takes `user`, `session`, …"""

    def __init__(self, alias="default", path=None, headers=(), subprotocols=None, **scope):
        path = path or f"/{alias}/websocket/offer"
        application = URLRouter([*websocket_urlpatterns, not_found])
        super().__init__(application, path, headers=[(b"host", HOST), *headers], subprotocols=subprotocols)
        self.scope.update(scope)

    async def say(self, **message):
        await self.send_to(text_data=json.dumps(message))

    async def open(self, session_id="a", **more):
        """Connect and ask to start; gives the answer."""
        accepted, self.subprotocol = await self.connect()
        assert accepted
        await self.say(event="start", websocket_id=session_id, media_format=MULAW_24K, **more)
        return await self.receive_json_from(5)

    async def start(self, session_id="a", **more):
        answer = await self.open(session_id, **more)
        assert answer.get("event") == "started", answer
        return self

    async def hear(self, key):
        """The next message that has that key."""
        async with asyncio.timeout(5):
            while key not in (message := await self.receive_json_from(5)):
                pass
        return message[key]

    async def hear_of(self, kind):
        async with asyncio.timeout(5):
            while (message := await self.receive_json_from(5)).get("type") != kind:
                pass
        return message

    async def closed(self):
        """The messages before the close, and its code."""
        messages = []
        while (output := await self.receive_output(5))["type"] == "websocket.send":
            messages.append(json.loads(output["text"]))
        return messages, output["code"]

    async def hang_up(self):
        await self.say(event="stop")
        found = await self.closed()
        await self.disconnect()
        return found


async def post(message, client=None, ticket=None, content_type="application/json", **headers):
    """`POST /input_hook` of an object, or of bytes as they are; gives status and JSON."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    path = "/input_hook" + (f"?ticket={ticket}" if ticket else "")
    response = await (client or AsyncClient()).post(path, data=body, content_type=content_type, headers=headers)
    return response.status_code, response.json()


async def ended(session_id):
    """Returns once its end is on record."""
    async with asyncio.timeout(5):
        while await Session.objects.live().filter(session_id=session_id).aexists():
            await asyncio.sleep(0.01)


async def refused(phone, **more):
    """Ask to start in vain; gives the reason, the text, and the close code."""
    answer = await phone.open(**more)
    messages, code = await phone.closed()
    await phone.disconnect()
    end = messages[-1]["data"]
    assert answer["meta"]["error"] == end["reason"]
    return end["reason"], end.get("message"), code
