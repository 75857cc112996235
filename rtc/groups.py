"""Groups of workers on the channel layer, in which one says that there is news and all others hear it.

News has no content, and may be lost.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from channels.exceptions import ChannelFull
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

AWAY = (RedisError, OSError, ChannelFull, RuntimeError)
"""What a channel layer raises while its server is away: uvloop, on a connection that has just been closed, the last."""
RETRY_S = 1.0
"""How long until a layer that is away is tried again."""
TELL_TIMEOUT_S = 1.0
NEWS = "rtc.news"
ALL = "rtc-news"
"""Where everybody is who is in any group."""
TOGETHER = 8
"""With news in so many groups at once, all are told in one message: sending one costs a worker some 0.2 ms. In return
each other worker with a follower of anything takes that message, for some 0.1 ms, also if it follows none of them: with
a dozen workers that comes to the same.
"""
MOST_TOGETHER = 250
GATHER_S = 0.02
"""How long news is gathered behind what was told: sessions that put out something at the same time do so one by one."""
REJOIN_S = 3600.0
"""A layer may forget a member after a day (`group_expiry` of channels_redis.core); whoever has readers all the time
never leaves `ALL`.
"""

Own = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Groups:
    """The groups that one address is in.

    Args:
        opened: set once the address receives.
        own: makes a task that is looked after.
    """

    def __init__(self, layer: Any, address: str, opened: asyncio.Event, own: Own) -> None:
        self._layer = layer
        self._address = address
        self._opened = opened
        self._own = own
        self._untold: dict[str, None] = {}
        self._telling: asyncio.Task[None] | None = None
        self._followers: dict[str, list[Callable[[], None]]] = {}
        self._joined: set[str] = set()
        self._joined_all_at: float | None = None
        self._clock = asyncio.get_running_loop().time
        self._joining: asyncio.Task[None] | None = None

    def tell(self, group: str) -> None:
        """Say that there is news in a group. What comes while others are being told is told once."""
        self._untold[group] = None
        if self._telling is None or self._telling.done():
            self._telling = self._own(self._tell())

    async def _tell(self) -> None:
        try:
            while self._untold:
                groups, self._untold = list(self._untold), {}
                for to, named in _shared_out(groups):
                    async with asyncio.timeout(TELL_TIMEOUT_S):
                        await self._layer.group_send(to, {"type": NEWS, "group": to, "groups": named})
                await asyncio.sleep(GATHER_S)
        except AWAY as error:  # a time-out is one of them
            self._untold.clear()
            logger.debug("news was not told: %s", error)

    def follow(self, group: str, heard: Callable[[], None]) -> None:
        """Have `heard` called when there is news in a group, and once when it has been joined: then news may have been
        missed.
        """
        self._followers.setdefault(group, []).append(heard)
        self._see_to_groups()

    def unfollow(self, group: str, heard: Callable[[], None]) -> None:
        self._followers[group].remove(heard)
        if not self._followers[group]:
            del self._followers[group]
        self._see_to_groups()

    def _see_to_groups(self) -> None:
        if self._joining is None or self._joining.done():
            self._joining = self._own(self._join_and_leave())

    async def _join_and_leave(self) -> None:
        await self._opened.wait()
        while self._followers.keys() != self._joined or bool(self._followers) != (self._joined_all_at is not None):
            try:
                if self._followers:  # before the others, so that no news of them is missed
                    await self._join_all()
                for group in self._followers.keys() - self._joined:
                    await self._layer.group_add(group, self._address)
                    self._joined.add(group)
                    self.hear(group)
                for group in self._joined - self._followers.keys():
                    await self._leave(group)
                    self._joined.discard(group)
                if self._joined_all_at is not None and not self._followers:
                    await self._leave(ALL)
                    self._joined_all_at = None
            except AWAY as error:
                logger.warning("groups can't be joined or left: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _join_all(self) -> None:
        now = self._clock()
        if self._joined_all_at is None or now - self._joined_all_at >= REJOIN_S:
            await self._layer.group_add(ALL, self._address)
            self._joined_all_at = now

    async def _leave(self, group: str) -> None:
        try:
            await self._layer.group_discard(group, self._address)
        except AWAY:
            # The layer has struck it off, and is still subscribed: it can only be left again from inside.
            await self._layer.group_add(group, self._address)
            raise

    def take(self, message: dict[str, Any]) -> None:
        """Hear of what a message says. A worker of an older release names but one group."""
        for group in message.get("groups", [message["group"]]):
            self.hear(group)

    def hear(self, group: str) -> None:
        for heard in self._followers.get(group, ()):
            heard()


def _shared_out(groups: list[str]) -> Iterator[tuple[str, list[str]]]:
    """To whom it is told that there is news in these groups."""
    if len(groups) < TOGETHER:
        yield from ((group, [group]) for group in groups)
    else:
        for first in range(0, len(groups), MOST_TOGETHER):
            yield ALL, groups[first : first + MOST_TOGETHER]
