"""Handlers that wait for input which comes late, or never."""

import asyncio
import threading

import pytest

from rtc import AsyncStreamHandler, Stream, StreamHandler
from rtc.context import InputTimeout, SessionOver
from rtc.core.messages import Log
from tests.hooks import OK, Asking, BlockingAsking, Phone, post
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)


class Patient(AsyncStreamHandler):
    """Catches the timeout once, tells, and goes on."""

    async def start_up(self):
        try:
            await self.wait_for_args()
        except InputTimeout as error:
            self.session.send_message(Log(text=f"caught {error.waited_s}"))
        await asyncio.Event().wait()

    async def receive(self, frame):
        pass

    async def emit(self):
        await asyncio.Event().wait()


class BlockingPatient(StreamHandler):
    def start_up(self):
        try:
            self.wait_for_args_sync()
        except InputTimeout as error:
            self.session.send_message(Log(text=f"caught {error.waited_s}"))

    def receive(self, frame):
        pass

    def emit(self):
        return None


asking = Stream(Asking)
blocking = Stream(BlockingAsking)
patient = Stream(Patient)
blocking_patient = Stream(BlockingPatient)


@pytest.fixture(autouse=True)
def streams(settings):
    settings.RTC_STREAMS = {
        name: f"{__name__}.{name}" for name in ("asking", "blocking", "patient", "blocking_patient")
    }


@pytest.mark.parametrize("alias", ["patient", "blocking_patient"])
async def test_a_handler_may_go_on_without_input(alias, settings):
    settings.RTC_INPUT_TIMEOUT_S = 0.05
    phone = await Phone(alias).start()
    await phone.hear_of("send_input")
    error = await phone.hear_of("error")
    assert (error["code"], error["data"]) == ("input_timeout", "No input came within 0.05 s.")
    assert (await phone.hear_of("log"))["data"] == "caught 0.05"
    await phone.say(event="ping")
    assert await phone.hear("event") == "pong"
    await phone.hang_up()


@pytest.mark.parametrize("alias", ["asking", "blocking"])
async def test_a_timeout_that_nobody_catches_ends_the_session(alias, settings):
    settings.RTC_INPUT_TIMEOUT_S = 0.05
    phone = await Phone(alias).start()
    messages, code = await phone.closed()
    await phone.disconnect()
    errors = [(message["code"], message["data"]) for message in messages if message.get("type") == "error"]
    text = "No input came within 0.05 s."
    assert errors == [("input_timeout", text), ("handler_failed", text)]
    assert (messages[-1], code) == ({"type": "end", "data": {"reason": "handler_failed"}}, 4500)


async def test_without_a_timeout_it_waits(settings):
    settings.RTC_INPUT_TIMEOUT_S = None
    phone = await Phone("asking").start()
    await phone.hear_of("send_input")
    assert await post({"webrtc_id": "a", "inputs": [1]}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", 1]
    await phone.hang_up()


async def test_a_thread_that_waits_for_input_is_let_go_when_the_session_ends(caplog):
    before = set(threading.enumerate())
    phone = await Phone("blocking").start()
    await phone.hear_of("send_input")
    await phone.hang_up()
    await until(
        lambda: not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("rtc s")]
    )
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []


async def test_waiting_after_the_end_is_refused():
    handlers = []

    class Keeping(BlockingAsking):
        def start_up(self):
            handlers.append(self)

    phone = Phone("asking")
    asking._make, made = Keeping, asking._make
    try:
        await phone.start()
        await phone.hang_up()
    finally:
        asking._make = made
    with pytest.raises(SessionOver, match="the session is over"):
        await asyncio.to_thread(handlers[0].wait_for_args_sync)
