"""Messages between worker processes, over the channel layer.

They carry control, never audio, and any of them may be lost. So a question is answered, and asked once more when no
answer comes; whoever is asked twice answers from memory.
"""

import asyncio
import contextvars
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from channels.layers import DEFAULT_CHANNEL_LAYER, InMemoryChannelLayer, channel_layers
from django.conf import settings

from rtc.core.exceptions import RTCError
from rtc.groups import AWAY, NEWS, RETRY_S, Groups
from rtc.tasks import Tasks

logger = logging.getLogger(__name__)

Message = dict[str, Any]
"""Strings, numbers below 2**63, None, lists and dicts of them."""
Answer = Callable[[Message], Awaitable[Message]]

FIRST_KNOCK_S = 0.05
UNREAD_S = 0.05
"""How long until the next message is received after one that can't be read: it may be that none ever can."""
MAX_QUESTIONS = 1_000
"""How many questions are answered at a time, before more are left unanswered; and how many answers are remembered."""

ASK, ANSWER, KNOCK = "rtc.ask", "rtc.answer", "rtc.knock"


class Unreachable(RTCError):
    """No message gets through: there is no channel layer between processes, or its server is away."""


class NoAnswer(RTCError):
    """The question went out, twice, and nobody answered in time."""


_answers: dict[str, Answer] = {}


def answers(kind: str) -> Callable[[Answer], Answer]:
    """Have a function answer questions whose `kind` this is."""

    def register(answer: Answer) -> Answer:
        _answers[kind] = answer
        return answer

    return register


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
        self._asked: dict[str, asyncio.Future[Message]] = {}
        self._answered: OrderedDict[str, Message | None] = OrderedDict()
        self._answering = 0
        self._groups = Groups(layer, self.address, self._open, self._own)

    def open(self) -> None:
        """Begin to receive, if it has not begun."""
        if self._layer is not None and self._opening is None:
            self._own(self._receive())
            self._opening = self._own(self._knock())

    async def close(self) -> None:
        self._tasks.cancel()
        await self._tasks.settle()

    # Questions -----------------------------------------------------------------------------------------------------

    async def ask(self, address: str, question: Message, timeout_s: float) -> Message:
        """Ask who receives at `address`, and once more after a third of the time.

        Raises:
            Unreachable, NoAnswer.
        """
        if self._layer is None or not address:
            raise Unreachable
        self.open()
        loop = asyncio.get_running_loop()
        began = loop.time()
        token = secrets.token_hex(12)
        message = {"type": ASK, "token": token, "reply_to": self.address, "question": question}
        answered = self._asked[token] = loop.create_future()
        try:
            await _within(timeout_s, self._open.wait())
            for share in (1 / 3, 1):
                await _within(began + timeout_s - loop.time(), self._send(address, message))
                await asyncio.wait([answered], timeout=max(0.0, began + timeout_s * share - loop.time()))
                if answered.done():
                    return answered.result()
            raise NoAnswer
        finally:
            del self._asked[token]

    async def _send(self, address: str, message: Message) -> None:
        with suppress(*AWAY):  # the first after a restart of its server fails
            await self._layer.send(address, message)
            return
        try:
            await self._layer.send(address, message)
        except AWAY as error:
            raise Unreachable from error

    def _take_question(self, message: Message) -> None:
        token = message["token"]
        if token in self._answered:
            answer = self._answered[token]
            if answer is not None:  # else it is being answered
                self._own(self._reply(message, answer))
            return
        if self._answering >= MAX_QUESTIONS:
            logger.warning("a question is left unanswered: %d others are being answered", self._answering)
            return
        self._answered[token] = None
        if len(self._answered) > 2 * MAX_QUESTIONS:
            self._answered.popitem(last=False)
        self._own(self._answer(message))

    async def _answer(self, message: Message) -> None:
        self._answering += 1
        try:
            answer = await _answers[message["question"]["kind"]](message["question"])
        finally:
            self._answering -= 1
        self._answered[message["token"]] = answer
        await self._reply(message, answer)

    async def _reply(self, message: Message, answer: Message) -> None:
        try:
            await self._send(message["reply_to"], {"type": ANSWER, "token": message["token"], "answer": answer})
        except Unreachable:
            logger.warning("an answer was lost on its way to another worker")

    # News: see `rtc.groups` ------------------------------------------------------------------------------------------

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
                except (KeyError, TypeError) as error:  # while another release is rolled out
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
            self._take_question(message)
        elif kind == ANSWER:
            asked = self._asked.get(message["token"])
            if asked is not None and not asked.done():
                asked.set_result(message["answer"])
        elif kind == NEWS:
            self._groups.hear(message["group"])
        elif kind == KNOCK:
            self._open.set()

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A context of its own: one born in a request inherits that request's thread, which ends with it.
        return self._tasks.start(work, contextvars.Context())


def _log_failure(error: BaseException) -> None:
    logger.error("a message of another worker was not dealt with: %s", error, exc_info=error)


async def _within(timeout_s: float, work: Awaitable[Any]) -> None:
    """Raises: Unreachable, when it takes longer."""
    try:
        async with asyncio.timeout(timeout_s):
            await work
    except TimeoutError as error:
        raise Unreachable from error


@answers("ping")
async def _ping(question: Message) -> Message:
    return {}


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
    for loop, post in list(_posts.items()):
        if post.address:
            with suppress(RuntimeError):  # that loop was closed
                loop.call_soon_threadsafe(post.tell, group)
                return


def make_layer() -> Any:
    """A channel layer of our own, so that the project's traffic and ours don't wait for one another; None when none is
    configured that reaches other processes.
    """
    if DEFAULT_CHANNEL_LAYER not in getattr(settings, "CHANNEL_LAYERS", {}):
        return None
    layer = channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)
    return None if isinstance(layer, InMemoryChannelLayer) else layer
