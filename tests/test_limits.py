"""How long a call lasts, and how many there are, in virtual time."""

import pytest

from rtc import Stream
from tests.callers import MULAW_24K, SILENCE, Client, LimitedAdmission
from tests.subjects import Echo, Scripted, level, seconds_of
from tests.virtual_time import elapse, virtual_time


@virtual_time
async def test_time_limit_plays_out_what_is_queued():
    client = Client(Stream(Scripted(level(1000, 8)), time_limit=5))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed(20) == 1000
    assert client.loop.time() == pytest.approx(8, abs=0.1)
    assert seconds_of(1000, client.heard) == 8


@virtual_time
async def test_time_limit_ends_a_session_whose_queue_is_too_long_for_the_grace(settings):
    settings.RTC_CLOSE_GRACE_S = 2
    client = Client(Stream(Scripted(level(1000, 60)), time_limit=5))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed(20) == 4408
    assert client.loop.time() == pytest.approx(7, abs=0.1)
    assert client.end_reasons == ["time_limit"]


@virtual_time
async def test_idle_timeout_is_pushed_back_by_whatever_comes():
    client = Client(Stream(Scripted(), idle_timeout=5))
    await client.start()
    for _ in range(10):
        await elapse(4)
        await client.say(event="ping")
    assert client.close_code is None
    assert await client.until_closed(10) == 4408
    assert client.loop.time() == pytest.approx(45, abs=0.1)


@virtual_time
async def test_the_idle_timeout_has_a_default_and_one_for_no_start(settings):
    settings.RTC_IDLE_TIMEOUT_S = 7
    settings.RTC_START_TIMEOUT_S = 3
    client = Client(Stream(Scripted()))
    await client.start()
    silent = Client(Stream(Scripted()))
    assert await silent.until_closed(10) == 4408
    assert (silent.end_reasons, client.loop.time()) == (["no_start"], pytest.approx(3, abs=0.1))
    assert await client.until_closed(10) == 4408
    assert (client.end_reasons, client.loop.time()) == (["idle"], pytest.approx(7, abs=0.1))


@virtual_time
async def test_a_client_that_only_listens_is_not_idle():
    client = Client(Stream(Scripted(level(1000, 20)), mode="receive", idle_timeout=2))
    await client.start()
    assert await client.until_closed(60) == 4408
    assert client.loop.time() == pytest.approx(22, abs=0.5)


@virtual_time
async def test_the_concurrency_limit_refuses_before_a_handler_is_made_and_frees_itself():
    admission = LimitedAdmission(limit=1)
    first = Client(Stream(Scripted()), admission=admission)
    await first.start("a")
    handler = Scripted()
    second = Client(Stream(handler), admission=admission)
    await second.start("b")
    assert await second.until_closed() == 4429
    assert second.messages[0] == {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 1}}
    assert second.end_reasons == ["concurrency_limit_reached"]
    assert handler.calls == []
    await first.stop()
    third = Client(Stream(Scripted()), admission=admission)
    await third.start("c")
    await elapse(0.1)
    assert third.close_code is None


@virtual_time
async def test_a_second_start_with_a_live_id_is_refused_and_the_first_lives_on():
    admission = LimitedAdmission()
    first = Client(Stream(Echo()), admission=admission)
    await first.start("a", media_format=MULAW_24K)
    handler = Scripted()
    second = Client(Stream(handler), admission=admission)
    await second.start("a")
    assert await second.until_closed() == 4409
    assert second.messages[0] == {"status": "failed", "meta": {"error": "connection_already_exists"}}
    assert handler.calls == []
    await first.send(SILENCE * 480)
    await first.until(lambda client: client.heard)
    assert first.close_code is None
