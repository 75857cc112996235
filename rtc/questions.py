"""Questions that worker processes ask each other, over the channel layer.

A question may be lost, and so may its answer. So it is asked once more when no answer comes; whoever is asked twice
answers from memory. Others come late: what a Redis server that was paused hands over. So a question says until when it
counts, by the clock of whoever is asked (`rtc.clocks`).
"""

import asyncio
import json
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from rtc.clocks import Clocks
from rtc.core.exceptions import RTCError
from rtc.groups import AWAY, Own

logger = logging.getLogger(__name__)

Message = dict[str, Any]
"""What JSON can say. It goes as JSON in ASCII, since layers refuse half a surrogate pair."""
Answer = Callable[[Message], Awaitable[Message]]

MAX_QUESTIONS = 1_000
"""How many questions are answered at a time, before more are left unanswered; and how many answers are remembered."""

ASK, ANSWER = "rtc.ask", "rtc.answer"
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


class Questions:
    """Those that one address asks and is asked.

    Args:
        opened: set once the address receives.
        own: makes a task that is looked after.
    """

    def __init__(self, layer: Any, address: str, opened: asyncio.Event, own: Own) -> None:
        self._layer = layer
        self._address = address
        self._opened = opened
        self._own = own
        self._clock = time.monotonic  # the loop's may be of the moment in which it last woke
        self._clocks = Clocks()
        self._asked: dict[str, tuple[str, asyncio.Future[Message]]] = {}
        self._answered: OrderedDict[str, Message | None] = OrderedDict()
        self._answering = 0

    async def ask(self, address: str, question: Message, timeout_s: float) -> Message:
        """Ask who receives at `address`, and once more after a third of the time. Who gets the question when the time
        is over leaves it.

        Raises:
            Unreachable, NoAnswer.
        """
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
            "reply_to": self._address,
            "ends_at": ends_at,
            "question": json.dumps(question),
        }
        answered = asyncio.get_running_loop().create_future()
        self._asked[token] = address, answered
        try:
            await _within(give_up_at - began, self._opened.wait())
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

    def take_question(self, message: Message) -> None:
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

    def take_answer(self, message: Message) -> None:
        if message["token"] not in self._asked:
            return  # whoever asked has given up
        address, asked = self._asked[message["token"]]
        self._clocks.heard(address, message["clock"], self._clock())
        if not asked.done():
            asked.set_result(json.loads(message["answer"]))


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
