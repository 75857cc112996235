"""Sessions whose inputs and outputs go over another worker, and are counted."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.live.cluster import Cluster, new_id
from tests.live.readers import Reader

POST_EVERY_S = 0.2
END_TIMEOUT_S = 5.0


@dataclass
class Talker:
    """A session of the stream `busy` on one worker; its outputs are read, and its inputs posted, on the next.

    `posted` has the time and the status of each input, in order; input k is the number k.
    """

    cluster: Cluster
    index: int
    session_id: str = field(default_factory=new_id)
    posted: list[tuple[float, int]] = field(default_factory=list)

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        async with self.cluster.http((self.index + 1) % len(self.cluster.servers)) as http:
            self.reader = Reader(http, self.session_id)
            async with self.cluster.call(self.index, self.session_id) as client:
                reading = asyncio.create_task(self.reader.read())
                posting = asyncio.create_task(self._post(http))
                yield
                posting.cancel()
                await asyncio.wait([posting])
                await client.stop()
                await client.wait_closed()
            await asyncio.wait_for(reading, END_TIMEOUT_S)

    async def _post(self, http: httpx.AsyncClient) -> None:
        for number in itertools.count():
            asked_at = time.monotonic()
            status = await post(http, self.session_id, number)
            self.posted.append((asked_at, status))
            await asyncio.sleep(POST_EVERY_S)

    def statuses(self, since: float, until: float) -> set[int]:
        """Of the inputs posted in between; times are `time.monotonic()`."""
        return {status for asked_at, status in self.posted if since <= asked_at < until}

    def assert_nothing_lost(self) -> None:
        """Every output is there, once and in order, and every input that was said to be taken was taken, once."""
        counted = [value["n"] for value in self.reader.values if "n" in value]
        taken = Counter(value["took"][-1] for value in self.reader.values if "took" in value)
        assert counted == list(range(len(counted)))
        assert self.reader.events[-1].value == {"reason": "client_stop"}
        for number, (_, status) in enumerate(self.posted):
            assert taken[number] == 1 if status == 200 else taken[number] <= 1


async def post(http: httpx.AsyncClient, session_id: str, value: object) -> int:
    """Give a session an input; returns the status."""
    return (await http.post("/input_hook", json={"webrtc_id": session_id, "inputs": [value]})).status_code
