"""Messages between worker processes, over the channel layer.

They carry control, never audio, and any of them may be lost. So a question is answered, and asked once more when no
answer comes; whoever is asked twice answers from memory. Others come late: what a Redis server that was paused hands
over. So a question says until when it counts, by the clock of whoever is asked (`rtc.clocks`).
"""

import asyncio
import contextvars
import json
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from rtc.clocks import Clocks
from rtc.core.exceptions import RTCError
from rtc.groups import AWAY, NEWS, RETRY_S, Groups
from rtc.layers import make_layer
from rtc.tasks import Tasks

logger = logging.getLogger(__name__)

Message = dict[str, Any]
"""What JSON can say. It goes as JSON in ASCII, since layers refuse half a surrogate pair."""
Answer = Callable[[Message], Awaitable[Message]]

FIRST_KNOCK_S = 0.05
UNREAD_S = 0.05
"""How long until the next message is received after one that can't be read: it may be that none ever can."""
MAX_QUESTIONS = 1_000
"""How many questions are answered at a time, before more are left unanswered; and how many answers are remembered."""

ASK, ANSWER, KNOCK = "rtc.ask", "rtc.answer", "rtc.knock"
PING = "ping"


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
        self._clock = time.monotonic  # the loop's may be of the moment in which it last woke
        self._clocks = Clocks()
        self._asked: dict[str, tuple[str, asyncio.Future[Message]]] = {}
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
        """Ask who receives at `address`, and once more after a third of the time. Who gets the question when the time
        is over leaves it.

        Raises:
            Unreachable, NoAnswer.
        """
        if self._layer is None or not address:
            raise Unreachable
        self.open()
        give_up_at = self._clock() + timeout_s
        if question["kind"] == PING:
            return await self._ask(address, question, give_up_at, None)
        if not self._clocks.knows(address, self._clock()):
            await self._ask(address, {"kind": PING}, give_up_at, None)
        try:
            return await self._ask(address, question, give_up_at, self._clocks.reading(address, give_up_at))
        except NoAnswer:
            self._clocks.forget(address)  # perhaps it was set back by a machine that slept
            raise

    async def _ask(self, address: str, question: Message, give_up_at: float, ends_at: float | None) -> Message:
        began = self._clock()
        token = secrets.token_hex(12)
        message = {
            "type": ASK,
            "token": token,
            "reply_to": self.address,
            "ends_at": ends_at,
            "question": json.dumps(question),
        }
        answered = asyncio.get_running_loop().create_future()
        self._asked[token] = address, answered
        try:
            await _within(give_up_at - began, self._open.wait())
            for share in (1 / 3, 1):
                await _within(give_up_at - self._clock(), self._send(address, message))
                ask_again_at = began + (give_up_at - began) * share
                await asyncio.wait([answered], timeout=max(0.0, ask_again_at - self._clock()))
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
        ends_at = message.get("ends_at")
        left_s = None if ends_at is None else ends_at - self._clock()
        if left_s is not None and left_s <= 0:
            logger.warning("a question came too late and is left: whoever asked has given up")
            return
        question = json.loads(message["question"])
        self._answered[token] = None
        if len(self._answered) > 2 * MAX_QUESTIONS:
            self._answered.popitem(last=False)
        self._own(self._answer(message, question, left_s))

    async def _answer(self, message: Message, question: Message, left_s: float | None) -> None:
        self._answering += 1
        try:
            async with asyncio.timeout(left_s) as in_time:
                answer = await _answers[question["kind"]](question)
        except TimeoutError:
            if not in_time.expired():
                raise
            logger.warning("a question was not answered in time and is left")
            return
        finally:
            self._answering -= 1
        self._answered[message["token"]] = answer
        await self._reply(message, answer)

    async def _reply(self, message: Message, answer: Message) -> None:
        reply = {
            "type": ANSWER,
            "token": message["token"],
            "clock": self._clock(),
            "answer": json.dumps(answer),
        }
        try:
            await self._send(message["reply_to"], reply)
        except Unreachable:
            logger.warning("an answer was lost on its way to another worker")

    def _take_answer(self, message: Message) -> None:
        if message["token"] not in self._asked:
            return  # whoever asked has given up
        address, asked = self._asked[message["token"]]
        self._clocks.heard(address, message["clock"], self._clock())
        if not asked.done():
            asked.set_result(json.loads(message["answer"]))

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
            self._take_question(message)
        elif kind == ANSWER:
            self._take_answer(message)
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


@answers(PING)
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
