"""A client of a call in memory, and shorthands for what it was sent."""

import itertools

from rtc.core.exceptions import Refused
from rtc.testing import CallClient, MemoryAdmission

SILENCE = b"\xff"
MULAW_24K = {"encoding": "mulaw", "sample_rate": 24000, "framing": "json"}


class LimitedAdmission(MemoryAdmission):
    """For clients that share it: refuses a live id, and whoever is over the limit."""

    def __init__(self, limit=None):
        super().__init__()
        self.limit = limit
        self.ids = []

    def enter(self, start):
        pairs = zip(self.ids, self.records, strict=True)
        live = [session_id for session_id, record in pairs if record.end_reason is None]
        if start.session_id in live:
            raise Refused("connection_already_exists", 4409)
        if self.limit is not None and len(live) >= self.limit:
            raise Refused("concurrency_limit_reached", 4429, self.limit)
        self.ids.append(start.session_id)
        return super().enter(start)


class Client(CallClient):
    async def start(self, session_id="a", **fields):
        await super().start(session_id, **fields)

    @property
    def record(self):
        """The record of its only session."""
        (record,) = self.admission.records
        return record

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
    def heard(self):
        return b"".join(payload for _, payload in self.payloads)
