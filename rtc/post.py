"""Messages between worker processes, over the channel layer: questions (`rtc.questions`) and news (`rtc.groups`).

They carry control, never audio, and any of them may be lost.
"""

import asyncio
import contextvars
import logging
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from rtc.groups import AWAY, NEWS, RETRY_S, Groups
from rtc.layers import make_layer
from rtc.questions import ANSWER, ASK, Message, Questions, Unreachable
from rtc.tasks import Tasks

logger = logging.getLogger(__name__)

FIRST_KNOCK_S = 0.05
UNREAD_S = 0.05
"""How long until the next message is received after one that can't be read: it may be that none ever can."""
KNOCK = "rtc.knock"


class Post:
    """Sends and receives for one event loop. It opens with its first use, and mends itself.

    Args:
        layer: None when there is nobody to talk to; then `ask` raises `Unreachable`, and the rest does nothing.
    """

    def __init__(self, layer: Any) -> None:
        self.address = "" if layer is None else f"rtc.worker.{secrets.token_hex(12)}"
        self._layer = layer
        self._open = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None
        self._tasks = Tasks(_log_failure)
        self._questions = Questions(layer, self.address, self._open, self._own)
        self._groups = Groups(layer, self.address, self._open, self._own)

    def open(self) -> None:
        """Begin to receive, if it has not begun."""
        if self._layer is not None and self._opening is None:
            self._own(self._receive())
            self._opening = self._own(self._knock())

    async def close(self) -> None:
        self._tasks.cancel()
        await self._tasks.settle()

    # Sending -------------------------------------------------------------------------------------------------------

    async def ask(self, address: str, question: Message, timeout_s: float) -> Message:
        """Ask whoever receives at `address`. Raises: Unreachable, NoAnswer."""
        if self._layer is None or not address:
            raise Unreachable
        self.open()
        return await self._questions.ask(address, question, timeout_s)

    def tell(self, group: str) -> None:
        if self._layer is not None:
            self._groups.tell(group)

    def follow(self, group: str, heard: Callable[[], None]) -> None:
        if self._layer is not None:
            self.open()
            self._groups.follow(group, heard)

    def unfollow(self, group: str, heard: Callable[[], None]) -> None:
        if self._layer is not None:
            self._groups.unfollow(group, heard)

    # Receiving -----------------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self.address)
            except AWAY as error:
                logger.warning("the channel layer is away: %s", error)
                await self._forget_subscription()
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # whatever its serializer raises: what comes next may be read
                logger.error("a message can't be read: %s", error, exc_info=error)
                await asyncio.sleep(UNREAD_S)
            else:
                try:
                    self._take(message)
                except (KeyError, TypeError, ValueError) as error:  # while another release is rolled out
                    logger.warning("a message was not understood: %s: %s", type(error).__name__, error)

    async def _forget_subscription(self) -> None:
        """A `receive` that could not subscribe leaves the layer in the belief that it did; one that is cancelled sets
        that right.
        """
        with suppress(*AWAY):
            async with asyncio.timeout(0):
                await self._layer.receive(self.address)

    async def _knock(self) -> None:
        """Send messages to ourselves until one arrives: only then does what others send arrive too."""
        delay_s = FIRST_KNOCK_S
        while not self._open.is_set():
            with suppress(*AWAY):
                await self._layer.send(self.address, {"type": KNOCK})
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._open.wait()
            delay_s = min(2 * delay_s, RETRY_S)

    def _take(self, message: Message) -> None:
        kind = message["type"]
        if kind == ASK:
            self._questions.take_question(message)
        elif kind == ANSWER:
            self._questions.take_answer(message)
        elif kind == NEWS:
            self._groups.take(message)
        elif kind == KNOCK:
            self._open.set()

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A context of its own: one born in a request inherits that request's thread, which ends with it.
        return self._tasks.start(work, contextvars.Context())


def _log_failure(error: BaseException) -> None:
    logger.error("a message of another worker was not dealt with: %s", error, exc_info=error)


_posts: dict[asyncio.AbstractEventLoop, Post] = {}


def local_post() -> Post:
    """The post of the running event loop."""
    loop = asyncio.get_running_loop()
    post = _posts.get(loop)
    if post is None:
        for dead in [other for other in _posts if other.is_closed()]:
            del _posts[dead]
        post = _posts[loop] = Post(make_layer())
    return post


def tell(group: str) -> None:
    """Say that there is news in a group, from any thread of a process that has a post."""
    running = asyncio._get_running_loop()
    here = None if running is None else _posts.get(running)
    if here is not None and here.address:
        here.tell(group)  # waking a loop that is awake costs a system call
        return
    for loop, post in list(_posts.items()):
        if post.address:
            with suppress(RuntimeError):  # that loop was closed
                loop.call_soon_threadsafe(post.tell, group)
                return
