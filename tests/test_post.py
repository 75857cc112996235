"""Messages between workers, through a real Redis: two posts are two workers."""

import asyncio
import logging
import os
import signal
import time
from contextlib import contextmanager

import msgpack
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from rtc import groups, questions
from rtc.layers import make_layer
from rtc.post import Post, tell
from rtc.questions import NoAnswer, Unreachable, answers
from tests.live.redis_server import RedisServer
from tests.virtual_time import until

LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"
TIMEOUT_S = 3.0
CLOSED = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
"""What uvloop says of a connection that the other end has closed."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def layers(settings, redis):
    hosts = [{"address": redis.url, "socket_connect_timeout": 2, "socket_timeout": 5}]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": LAYER, "CONFIG": {"hosts": hosts}}}


@pytest.fixture
async def make_post(layers):
    made = []

    def make():
        layer = make_layer()
        made.append((Post(layer), layer))
        return made[-1][0]

    yield make
    for post, layer in made:
        await post.close()
        await layer.flush()


@pytest.fixture
def asked(monkeypatch):
    """What was asked with kind `test`; `wait` holds the answer back."""
    monkeypatch.setattr(questions, "_answers", dict(questions._answers))
    asked = []

    @answers("test")
    async def answer(question):
        asked.append(question)
        await asyncio.sleep(question.get("wait", 0))
        if question.get("fail"):
            raise ValueError("no answer to that")
        return {"got": question["value"]}

    return asked


def question(value=1, **more):
    return {"kind": "test", "value": value, **more}


async def test_a_question_is_answered(make_post, asked):
    here, there = make_post(), make_post()
    there.open()
    value = {"text": "\u00fc\0", "list": [1, 2.5, None], "big": 2**63 - 1}
    assert await here.ask(there.address, question(value), TIMEOUT_S) == {"got": value}
    assert asked == [question(value)]


async def test_many_at_once_get_their_own_answers(make_post, asked):
    here, there = make_post(), make_post()
    there.open()
    found = await asyncio.gather(*(here.ask(there.address, question(n), TIMEOUT_S) for n in range(100)))
    assert [answer["got"] for answer in found] == list(range(100))
    assert not here._questions._asked


async def test_who_is_slow_is_asked_twice_and_answers_once(make_post, asked):
    here, there = make_post(), make_post()
    there.open()
    assert await here.ask(there.address, question(wait=0.6), 1.2) == {"got": 1}
    assert asked == [question(wait=0.6)]


async def test_an_answer_that_was_lost_is_given_again(make_post, asked):
    here, there = make_post(), make_post()
    there.open()
    await here.ask(there.address, question("before"), TIMEOUT_S)
    del asked[:]
    reply = there._questions._reply
    lost = []

    async def lose(message, answer):
        lost.append(answer)
        there._questions._reply = reply

    there._questions._reply = lose
    assert await here.ask(there.address, question(), 0.9) == {"got": 1}
    assert (len(lost), len(asked)) == (1, 1)


async def test_a_question_that_was_lost_is_asked_again(make_post, asked):
    here, there = make_post(), make_post()
    asking = asyncio.create_task(here.ask(there.address, question(), 1.5))
    await until(lambda: here._open.is_set())
    there.open()
    assert await asking == {"got": 1}


@contextmanager
def paused(redis):
    """Redis takes what it is sent, and deals with it later."""
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.pid, signal.SIGCONT)


@pytest.mark.parametrize("acquainted", [True, False])
async def test_who_has_given_up_is_not_answered_later(make_post, asked, redis, caplog, acquainted):
    here, there = make_post(), make_post()
    there.open()
    await until(lambda: there._open.is_set())
    if acquainted:
        await here.ask(there.address, question("before"), TIMEOUT_S)
        del asked[:]
    with paused(redis), pytest.raises((Unreachable, NoAnswer)):
        await here.ask(there.address, question("meanwhile"), 0.6)
    assert await here.ask(there.address, question("after"), TIMEOUT_S) == {"got": "after"}
    await asyncio.sleep(0.3)
    assert asked == [question("after")]
    assert ("came too late" in caplog.text) is acquainted


async def test_an_answer_that_takes_longer_than_who_asked_will_wait_is_broken_off(make_post, asked, caplog):
    """So that what the question is about does not happen later."""
    here, there = make_post(), make_post()
    there.open()
    with pytest.raises(NoAnswer):
        await here.ask(there.address, question(wait=30), 0.6)
    await until(lambda: there._questions._answering == 0)
    assert "not answered in time" in caplog.text


@pytest.mark.parametrize("ahead_s", [-1e6, 1e6])
async def test_clocks_of_machines_need_not_agree(make_post, asked, ahead_s):
    here, there = make_post(), make_post()
    there._questions._clock = lambda: time.monotonic() + ahead_s
    there.open()
    for value in (1, 2):
        assert await here.ask(there.address, question(value), TIMEOUT_S) == {"got": value}


async def test_a_clock_that_leaps_costs_one_question(make_post, asked):
    """That of a machine that slept stood still."""
    here, there = make_post(), make_post()
    there.open()
    await here.ask(there.address, question(1), TIMEOUT_S)
    there._questions._clock = lambda: time.monotonic() + 1e6
    with pytest.raises(NoAnswer):
        await here.ask(there.address, question(2), 0.3)
    assert await here.ask(there.address, question(3), TIMEOUT_S) == {"got": 3}
    assert asked == [question(1), question(3)]


async def test_what_msgpack_refuses_is_asked_and_answered(make_post, asked):
    here, there = make_post(), make_post()
    there.open()
    value = {"half a surrogate pair": "\ud800", "large": 10**30}
    assert await here.ask(there.address, question(value), TIMEOUT_S) == {"got": value}


async def test_a_connection_that_was_closed_costs_a_question_nothing(make_post, asked, monkeypatch):
    here, there = make_post(), make_post()
    there.open()
    await here.ask(there.address, question(), TIMEOUT_S)
    send, failures = here._layer.send, [RuntimeError(CLOSED)]

    async def fail_first(address, message):
        if failures:
            raise failures.pop()
        await send(address, message)

    monkeypatch.setattr(here._layer, "send", fail_first)
    assert await here.ask(there.address, question(2), TIMEOUT_S) == {"got": 2}
    assert not failures


async def test_nobody_answers(make_post, asked):
    here = make_post()
    with pytest.raises(NoAnswer):
        await here.ask("rtc.worker.nobody", question(), 0.3)
    assert not here._questions._asked


async def test_an_answer_that_fails_is_none_and_harms_nobody(make_post, asked, caplog):
    here, there = make_post(), make_post()
    there.open()
    with pytest.raises(NoAnswer):
        await here.ask(there.address, question(fail=True), 0.3)
    assert "no answer to that" in caplog.text
    assert await here.ask(there.address, question(), TIMEOUT_S) == {"got": 1}


async def test_messages_of_another_release_are_passed_over(make_post, asked, caplog):
    here, there = make_post(), make_post()
    there.open()
    await until(lambda: there._open.is_set())
    for message in ({}, {"type": "rtc.ask"}, {"type": "rtc.later", "more": 1}):
        await there._layer.send(there.address, message)
    assert await here.ask(there.address, question(), TIMEOUT_S) == {"got": 1}
    assert "a message was not understood: KeyError: 'token'" in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xc1", b"\x81\xa4", msgpack.packb(5), msgpack.packb([]), msgpack.packb({"type": "rtc.ask", "token": []})],
)
async def test_garbage_costs_nothing_but_itself(make_post, asked, redis, caplog, garbage):
    """What others publish there, or a release with other keys for its messages."""
    here, there = make_post(), make_post()
    there.open()
    await until(lambda: there._open.is_set())
    with Redis.from_url(redis.url) as publisher:
        assert publisher.publish(there.address, garbage) == 1
    assert await here.ask(there.address, question(), TIMEOUT_S) == {"got": 1}
    assert "a message can't be read" in caplog.text or "a message was not understood" in caplog.text


async def test_beyond_so_many_questions_at_a_time_none_are_taken(make_post, asked, monkeypatch, caplog):
    monkeypatch.setattr(questions, "MAX_QUESTIONS", 2)
    here, there = make_post(), make_post()
    there.open()
    asking = [asyncio.create_task(here.ask(there.address, question(n, wait=0.5), 1.0)) for n in range(3)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert found[:2] == [{"got": 0}, {"got": 1}]
    assert "left unanswered" in caplog.text


async def test_without_a_layer_nobody_can_be_reached(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    post = Post(make_layer())
    with pytest.raises(Unreachable):
        await post.ask("rtc.worker.somebody", question(), TIMEOUT_S)
    post.tell("rtc-outputs-1")
    heard = []
    post.follow("rtc-outputs-1", lambda: heard.append(1))
    assert (post.address, heard, post._tasks._tasks) == ("", [], set())
    settings.CHANNEL_LAYERS = {}
    assert make_layer() is None


class Ear:
    def __init__(self):
        self.heard = 0

    def __call__(self):
        self.heard += 1


async def test_who_follows_a_group_hears_of_news_in_it(make_post):
    here, there = make_post(), make_post()
    ears = [Ear(), Ear(), Ear()]
    for ear, group in zip(ears, ("rtc-outputs-1", "rtc-outputs-1", "rtc-outputs-2"), strict=True):
        there.follow(group, ear)
    await until(lambda: all(ear.heard for ear in ears))  # joined: there may have been news before
    assert [ear.heard for ear in ears] == [1, 1, 1]
    here.tell("rtc-outputs-1")
    await until(lambda: ears[0].heard == 2)
    assert [ear.heard for ear in ears] == [2, 2, 1]
    there.unfollow("rtc-outputs-1", ears[0])
    here.tell("rtc-outputs-1")
    await until(lambda: ears[1].heard == 3)
    there.unfollow("rtc-outputs-1", ears[1])
    await until(lambda: there._groups._joined == {"rtc-outputs-2"})
    here.tell("rtc-outputs-1")
    here.tell("rtc-outputs-2")
    await until(lambda: ears[2].heard == 2)
    assert [ear.heard for ear in ears] == [2, 3, 2]


async def test_news_that_comes_thick_and_fast_is_told_once(make_post):
    here, there = make_post(), make_post()
    ear, last = Ear(), Ear()
    there.follow("rtc-outputs-1", ear)
    there.follow("rtc-outputs-2", last)
    await until(lambda: ear.heard and last.heard)
    for _ in range(100):
        here.tell("rtc-outputs-1")
    here.tell("rtc-outputs-2")
    await until(lambda: last.heard == 2)
    assert ear.heard == 2


def sent_to_groups(post, monkeypatch):
    """What it sends to groups from now on."""
    sent = []
    send = post._layer.group_send

    async def group_send(group, message):
        sent.append((group, message["groups"]))
        await send(group, message)

    monkeypatch.setattr(post._layer, "group_send", group_send)
    return sent


async def test_news_is_told_from_any_thread(make_post, monkeypatch):
    here, there = make_post(), make_post()
    ear = Ear()
    there.follow("rtc-outputs-1", ear)
    await until(lambda: ear.heard)
    monkeypatch.setattr("rtc.post._posts", {asyncio.get_running_loop(): here})
    tell("rtc-outputs-1")
    await until(lambda: ear.heard == 2)
    await asyncio.to_thread(tell, "rtc-outputs-1")
    await until(lambda: ear.heard == 3)


async def test_news_in_many_groups_at_once_is_told_in_one_message(make_post, monkeypatch):
    here, there, elsewhere = make_post(), make_post(), make_post()
    names = [f"rtc-outputs-{number}" for number in range(groups.TOGETHER)]
    ears = {name: Ear() for name in names}
    for name, ear in ears.items():
        there.follow(name, ear)
    other = Ear()
    elsewhere.follow("rtc-outputs-other", other)
    await until(lambda: other.heard and all(ear.heard for ear in ears.values()))
    sent = sent_to_groups(here, monkeypatch)
    for name in [*names, *names]:
        here.tell(name)
    await until(lambda: all(ear.heard == 2 for ear in ears.values()))
    assert sent == [(groups.ALL, names)]
    for name in names[1:]:
        here.tell(name)
    here.tell("rtc-outputs-other")
    await until(lambda: other.heard == 2)
    assert [ear.heard for ear in ears.values()] == [2] + [3] * (groups.TOGETHER - 1)


async def test_news_in_few_groups_bothers_nobody_else(make_post, monkeypatch):
    here = make_post()
    sent = sent_to_groups(here, monkeypatch)
    names = [f"rtc-outputs-{number}" for number in range(groups.TOGETHER - 1)]
    for name in names:
        here.tell(name)
    await until(lambda: len(sent) == len(names))
    assert sent == [(name, [name]) for name in names]


async def test_news_in_a_great_many_groups_is_told_in_messages_of_limited_size(make_post, monkeypatch):
    here = make_post()
    sent = sent_to_groups(here, monkeypatch)
    names = [f"rtc-outputs-{number}" for number in range(groups.MOST_TOGETHER + groups.TOGETHER)]
    for name in names:
        here.tell(name)
    await until(lambda: len(sent) == 2)
    assert sent == [(groups.ALL, names[: groups.MOST_TOGETHER]), (groups.ALL, names[groups.MOST_TOGETHER :])]


async def test_news_that_comes_shortly_behind_other_news_is_gathered(make_post, monkeypatch):
    monkeypatch.setattr(groups, "GATHER_S", 0.3)
    here = make_post()
    sent = sent_to_groups(here, monkeypatch)
    names = [f"rtc-outputs-{number}" for number in range(groups.TOGETHER)]
    here.tell("rtc-outputs-first")
    await until(lambda: sent)
    for name in names:
        here.tell(name)
        await asyncio.sleep(0)
    await until(lambda: len(sent) == 2)
    assert sent == [("rtc-outputs-first", ["rtc-outputs-first"]), (groups.ALL, names)]


async def test_who_follows_nothing_hears_of_nothing(make_post, redis):
    post, ear = make_post(), Ear()
    post.follow("rtc-outputs-1", ear)
    await until(lambda: ear.heard)
    with Redis.from_url(redis.url, decode_responses=True) as client:
        assert f"asgi__group__{groups.ALL}" in client.pubsub_channels()
        post.unfollow("rtc-outputs-1", ear)
        await until(lambda: f"asgi__group__{groups.ALL}" not in client.pubsub_channels())
        post.follow("rtc-outputs-1", ear)
        await until(lambda: f"asgi__group__{groups.ALL}" in client.pubsub_channels())


async def test_who_has_followers_all_the_time_joins_again_before_it_is_forgotten(make_post, monkeypatch):
    monkeypatch.setattr(groups, "REJOIN_S", 0.0)
    post = make_post()
    joined = []
    group_add = post._layer.group_add

    async def add(group, address):
        joined.append(group)
        await group_add(group, address)

    monkeypatch.setattr(post._layer, "group_add", add)
    for name in ("rtc-outputs-1", "rtc-outputs-2"):
        ear = Ear()
        post.follow(name, ear)
        await until(lambda ear=ear: ear.heard)
    assert joined == [groups.ALL, "rtc-outputs-1", groups.ALL, "rtc-outputs-2"]


async def test_news_of_a_worker_of_an_older_release_names_one_group(make_post):
    here, there = make_post(), make_post()
    ear = Ear()
    there.follow("rtc-outputs-1", ear)
    await until(lambda: ear.heard)
    await here._layer.group_send("rtc-outputs-1", {"type": groups.NEWS, "group": "rtc-outputs-1"})
    await until(lambda: ear.heard == 2)


async def test_a_group_that_could_not_be_left_is_left_later(make_post, redis, monkeypatch):
    monkeypatch.setattr(groups, "RETRY_S", 0.05)
    post, ear = make_post(), Ear()
    post.follow("rtc-outputs-1", ear)
    await until(lambda: ear.heard)
    [shard] = post._layer._get_layer()._shards
    unsubscribe = shard.unsubscribe
    failures = [RedisConnectionError(), OSError(), RuntimeError(CLOSED)]

    async def fail(channel):
        if failures:
            raise failures.pop()
        await unsubscribe(channel)

    monkeypatch.setattr(shard, "unsubscribe", fail)
    post.unfollow("rtc-outputs-1", ear)
    with Redis.from_url(redis.url, decode_responses=True) as client:
        await until(lambda: "asgi__group__rtc-outputs-1" not in client.pubsub_channels())
    await until(lambda: not post._groups._joined)
    assert not failures


async def test_a_restart_of_redis(make_post, asked, redis, caplog):
    here, there = make_post(), make_post()
    ear = Ear()
    there.follow("rtc-outputs-1", ear)
    assert await here.ask(there.address, question(), TIMEOUT_S) == {"got": 1}
    await until(lambda: ear.heard)
    redis.stop()
    with pytest.raises(Unreachable):
        await here.ask(there.address, question(), TIMEOUT_S)
    here.tell("rtc-outputs-1")  # nobody is told, and nothing fails
    await until(lambda: not here._groups._untold)
    redis.start()
    async with asyncio.timeout(5):
        while True:
            try:
                await here.ask(there.address, question(2), 0.6)
                break
            except (NoAnswer, Unreachable):
                pass
        before = ear.heard
        while ear.heard == before:  # until it has subscribed again
            here.tell("rtc-outputs-1")
            await asyncio.sleep(0.05)


async def test_it_opens_when_redis_comes(make_post, asked, redis, caplog):
    redis.stop()
    here, there = make_post(), make_post()
    ear = Ear()
    with caplog.at_level(logging.WARNING):
        there.follow("rtc-outputs-1", ear)
        with pytest.raises(Unreachable):
            await here.ask(there.address, question(), 0.3)
    assert "the channel layer is away" in caplog.text
    redis.start()
    await until(lambda: here._open.is_set() and there._open.is_set())
    assert await here.ask(there.address, question(), TIMEOUT_S) == {"got": 1}
    await until(lambda: ear.heard)
