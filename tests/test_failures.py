"""What fails, and who is told, in virtual time."""

import pytest

from rtc import Stream, Warning, WebRTCError
from rtc.testing import MemoryAdmission
from tests.callers import MULAW_24K, SILENCE, Client
from tests.subjects import Scripted
from tests.virtual_time import elapse, virtual_time


@pytest.mark.parametrize("where", ["start_up", "receive", "emit", "shutdown"])
@virtual_time
async def test_an_error_of_the_handler_reaches_client_and_log(where, caplog, settings):
    settings.RTC_SHOW_HANDLER_ERRORS = False

    async def fail(self, *arguments):
        self.calls.append("failed")
        raise ValueError("secret")

    handler = type("Failing", (Scripted,), {where: fail})()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.send(SILENCE * 480)
    await elapse(0.1)
    await client.stop()
    close_code = await client.until_closed()
    assert handler.calls.count("failed") == 1
    assert "ValueError: secret" in caplog.text
    if where == "shutdown":
        assert close_code == 1000
        return
    assert handler.calls.count("shutdown") == 1
    assert close_code == 4500
    assert client.kinds[-2:] == ["error", "end"]
    assert client.messages[-2] == {
        "type": "error",
        "code": "handler_failed",
        "data": "The handler failed.",
        "message": "The handler failed.",
    }


@virtual_time
async def test_errors_can_be_shown(settings):
    settings.RTC_SHOW_HANDLER_ERRORS = True
    client = Client(Stream(Scripted("text")))
    await client.start()
    await client.until_closed()
    assert "emit" in client.of_type("error")[0]
    assert "got str" in client.of_type("error")[0]


@pytest.mark.parametrize("where", ["start_up", "receive", "emit"])
@virtual_time
async def test_webrtc_error_and_warning_reach_the_client(where):
    async def fail(self, *arguments):
        Warning("look out")
        await elapse(0.01)
        raise WebRTCError("no more credit")

    client = Client(Stream(type("Failing", (Scripted,), {where: fail})()))
    await client.start(media_format=MULAW_24K)
    await client.send(SILENCE * 480)
    assert await client.until_closed() == 4500
    assert client.kinds == ["started", "warning", "error", "end"]
    assert (client.of_type("warning"), client.of_type("error")) == (["look out"], ["no more credit"])


@virtual_time
async def test_an_error_in_marked_ends_the_session():
    class Failing(Scripted):
        def marked(self, name):
            raise ValueError(name)

    handler = Failing()
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    await client.say(event="mark", mark={"name": "m"})
    assert await client.until_closed() == 4500
    assert handler.calls == ["start_up", "shutdown"]


@virtual_time
async def test_a_record_that_fails_ends_the_session(caplog):
    class Broken(MemoryAdmission):
        def enter(self, start):
            raise OSError("disk full")

    handler = Scripted()
    client = Client(Stream(handler), admission=Broken())
    await client.start()
    assert await client.until_closed() == 4500
    assert (client.end_reasons, handler.calls) == (["server_error"], [])
    assert "disk full" in caplog.text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no"), "The handler failed."),
        (SystemExit(), "The handler failed."),
        (WebRTCError("Later."), "Later."),
    ],
)
@pytest.mark.parametrize("failing", ["copy", "bind"])
@virtual_time
async def test_a_handler_that_cannot_be_made(failing, error, text, caplog):
    def fail(self, *arguments):
        raise error

    client = Client(Stream(type("Failing", (Scripted,), {failing: fail})()))
    await client.start()
    assert await client.until_closed() == 4500
    assert client.kinds == ["error", "end"]
    assert client.of_type("error") == [text]
    assert "the handler failed in new_handler()" in caplog.text
    assert [kind for _, kind, _ in client.record.entries] == ["failed", "error"]
