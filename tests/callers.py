"""A client that holds one end of a call in memory, and a record of sessions without a database."""

import asyncio
import base64
import itertools
import json
from concurrent.futures import Future

from rtc import calls, registry
from rtc.calls import Call
from rtc.core.exceptions import Refused
from rtc.core.messages import Media, serialize
from tests.virtual_time import until

SILENCE = b"\xff"
MULAW_24K = {"encoding": "mulaw", "sample_rate": 24000, "framing": "json"}


class Client:
    """Notes what the call sends: `frames` holds `(seconds, message)`, a message being a JSON object or bytes."""

    def __init__(self, stream, alias="default", **caller):
        self.loop = asyncio.get_running_loop()
        self.frames = []
        self.close_code = None
        self.closes = 0
        self.call = Call(self, stream, alias, registry.Caller(**caller))

    async def send_text(self, text):
        if self.close_code is None:
            self.frames.append((self.loop.time(), json.loads(text)))

    async def send_bytes(self, payload):
        if self.close_code is None:
            self.frames.append((self.loop.time(), payload))

    async def close_socket(self, close_code):
        self.close_code = close_code
        self.closes += 1

    async def say(self, **message):
        await self.call.receive(json.dumps(message), None)

    async def start(self, session_id="a", **more):
        await self.say(event="start", websocket_id=session_id, **more)

    async def send(self, payload):
        await self.call.receive(serialize(Media(payload)), None)

    async def stop(self):
        await self.say(event="stop")

    async def until(self, condition, timeout_s=5.0):
        await until(lambda: condition(self), timeout_s)

    async def until_closed(self, timeout_s=5.0):
        """The close code; returns once nothing of the call is left running."""
        await until(lambda: self.close_code is not None, timeout_s)
        async with asyncio.timeout(timeout_s):
            await self.call.leave()
        return self.close_code

    @property
    def messages(self):
        return [message for _, message in self.frames]

    @property
    def kinds(self):
        """Each message's kind, in order; runs of audio count as one."""
        found = [
            "audio" if isinstance(message, bytes) else message.get("event") or message.get("type") or message["status"]
            for message in self.messages
        ]
        return [kind for kind, _ in itertools.groupby("audio" if kind == "media" else kind for kind in found)]

    def of_type(self, kind):
        return [
            message["data"] for message in self.messages if isinstance(message, dict) and message.get("type") == kind
        ]

    @property
    def end_reasons(self):
        return [data["reason"] for data in self.of_type("end")]

    @property
    def audio(self):
        """`(seconds, mu-law bytes)` of each piece."""
        return [(at, payload_of(message)) for at, message in self.frames if payload_of(message) is not None]

    @property
    def heard(self):
        return b"".join(payload for _, payload in self.audio)


def payload_of(message):
    if isinstance(message, bytes):
        return message
    if message.get("event") != "media":
        return None
    return base64.b64decode(message["media"]["payload"])


class MemoryRegistry:
    """Does what `rtc.registry` and `rtc.database` do, at once and in a list."""

    def __init__(self, monkeypatch):
        self.rows = []
        monkeypatch.setattr(calls, "perform", self.perform)
        monkeypatch.setattr(calls, "submit", self.submit)
        monkeypatch.setattr(registry, "admit", self.admit)
        monkeypatch.setattr(registry, "end", self.end)

    async def perform(self, job, *args):
        await asyncio.sleep(0)
        return job(*args)

    def submit(self, job, *args):
        future = Future()
        future.set_result(job(*args))
        return future

    def admit(self, session_id, alias, limit, media_format, caller):
        live = [row for row in self.rows if row["reason"] is None]
        if any(row["id"] == session_id for row in live):
            raise Refused("connection_already_exists", 4409)
        if limit is not None and len(live) >= limit:
            raise Refused("concurrency_limit_reached", 4429, limit)
        self.rows.append({"id": session_id, "reason": None, "ends": 0})
        return len(self.rows) - 1

    def end(self, pk, reason, close_code, figures):
        row = self.rows[pk]
        row["ends"] += 1
        row.update(reason=reason, close_code=close_code, figures=figures)
        return True
