"""`Stream(authorize=…)`."""

import asyncio

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from rtc import Stream
from rtc.models import Session
from rtc.worker import local_worker
from tests.hooks import Asking, Phone, refused

pytestmark = pytest.mark.django_db(transaction=True)


async def in_the_house(request):
    await asyncio.sleep(0)
    return request.params.get("word") == "sesame"


class InTheHouse:
    async def __call__(self, request):
        return await in_the_house(request)


def deny(request):
    raise PermissionDenied("Come back on Monday.")


async def adeny(request):
    raise PermissionDenied


def fail(request):
    raise KeyError("a secret")


async def never(request):
    await asyncio.Event().wait()


being_asked = []


async def slow(request):
    being_asked.append(asyncio.Event())
    return await being_asked[-1].wait()


by_word = Stream(Asking, authorize=in_the_house)
by_object = Stream(Asking, authorize=InTheHouse())
by_lambda = Stream(Asking, authorize=lambda request: in_the_house(request))
members = Stream(Asking, authorize=lambda request: request.user is not None)
permitted = Stream(Asking, authorize=lambda request: request.user.has_perm("rtc.view_session"))
denied = Stream(Asking, authorize=deny)
adenied = Stream(Asking, authorize=adeny)
failing = Stream(Asking, authorize=fail)
undecided = Stream(Asking, authorize=never)
slow = Stream(Asking, authorize=slow)


@pytest.fixture(autouse=True)
def streams(settings):
    names = [
        "by_word",
        "by_object",
        "by_lambda",
        "members",
        "permitted",
        "denied",
        "adenied",
        "failing",
        "undecided",
        "slow",
    ]
    settings.RTC_STREAMS = {name: f"{__name__}.{name}" for name in names}


@pytest.fixture
async def ann(django_user_model):
    return await django_user_model.objects.acreate(username="ann")


@pytest.mark.parametrize("alias", ["by_word", "by_object", "by_lambda"])
async def test_authorize_by_params(alias, ann):
    assert await refused(Phone(alias)) == ("not_logged_in", None, 4401)
    assert await refused(Phone(alias, user=ann), params={"word": "x"}) == ("not_allowed", None, 4403)
    phone = await Phone(alias).start(params={"word": "sesame"})
    await phone.hang_up()


async def test_authorize_by_user(ann):
    assert await refused(Phone("members")) == ("not_logged_in", None, 4401)
    assert await refused(Phone("members", user=AnonymousUser())) == ("not_logged_in", None, 4401)
    phone = await Phone("members", user=ann).start()
    await phone.hang_up()


async def test_authorize_by_permission(ann, django_user_model):
    assert await refused(Phone("permitted", user=ann)) == ("not_allowed", None, 4403)
    root = await django_user_model.objects.acreate(username="root", is_superuser=True)
    phone = await Phone("permitted", user=root).start()
    await phone.hang_up()


async def test_what_permission_denied_says_reaches_the_client(ann):
    assert await refused(Phone("denied")) == ("not_logged_in", "Come back on Monday.", 4401)
    assert await refused(Phone("denied", user=ann)) == ("not_allowed", "Come back on Monday.", 4403)
    assert await refused(Phone("adenied", user=ann)) == ("not_allowed", None, 4403)


async def test_an_authorize_that_fails_lets_nobody_in(caplog):
    phone = Phone("failing")
    answer = await phone.open()
    assert answer == {"type": "end", "data": {"reason": "server_error"}}
    assert (await phone.closed())[1] == 4500
    await phone.disconnect()
    assert not await Session.objects.aexists()
    assert "a secret" in caplog.text


async def test_a_user_who_was_deleted_since_the_socket_was_opened_is_not_logged_in(ann, django_user_model):
    phone = Phone("by_word", user=ann)
    assert (await phone.connect())[0]
    await django_user_model.objects.filter(pk=ann.pk).adelete()
    await phone.say(event="start", websocket_id="a", params={"word": "sesame"})
    messages, code = await phone.closed()
    assert (messages[-1]["data"]["reason"], code) == ("not_logged_in", 4401)
    await phone.disconnect()
    assert not await Session.objects.aexists()


async def test_who_leaves_while_authorize_is_asked_keeps_no_place_in_the_queue(settings):
    settings.RTC_ADMISSION_QUEUE = 1
    for session_id in ("a", "b"):
        phone = Phone("undecided")
        assert (await phone.connect())[0]
        await phone.say(event="start", websocket_id=session_id)
        assert await phone.receive_nothing(0.2)  # "busy" would be said at once
        await phone.disconnect()
    assert not await Session.objects.aexists()


async def test_a_worker_that_drains_while_authorize_is_asked_takes_no_session(settings):
    settings.RTC_DRAIN_S = 0
    phone = Phone("slow")
    assert (await phone.connect())[0]
    await phone.say(event="start", websocket_id="a")
    async with asyncio.timeout(5):
        while not being_asked:
            await asyncio.sleep(0.01)
    await local_worker().drain()
    being_asked.pop().set()
    messages, code = await phone.closed()
    assert (messages[-1]["data"]["reason"], code) == ("draining", 4503)
    await phone.disconnect()
    assert not await Session.objects.aexists()


@pytest.mark.parametrize("origin", [b"https://other.example", b"null"])
async def test_cookies_of_a_page_that_only_the_star_lets_in_do_not_count(origin, ann, settings):
    settings.RTC_ALLOWED_ORIGINS = ["*"]
    phone = Phone("members", headers=[(b"origin", origin)], user=ann)
    assert await refused(phone) == ("not_logged_in", None, 4401)


async def test_cookies_of_a_page_that_is_allowed_by_name_count(ann, settings):
    settings.RTC_ALLOWED_ORIGINS = ["*", "https://other.example"]
    phone = Phone("members", headers=[(b"origin", b"https://other.example")], user=ann)
    await phone.start()
    assert (await Session.objects.aget()).user_id == ann.pk
    await phone.disconnect()
