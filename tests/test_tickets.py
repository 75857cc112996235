import re
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import signing
from django.utils import timezone

from rtc import Stream
from rtc.models import Session, UsedTicket
from rtc.tickets import SALT, BadTicket, make_ticket, nonce_of, read_ticket, user_of
from tests.hooks import Asking, Phone, post

asking = Stream(Asking)
full = Stream(Asking, concurrency_limit=0)
seen = []
nosy = Stream(Asking, authorize=lambda request: seen.append((request.user, request.params)) or True)

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token, RFC 9110 section 5.6.2; a WebSocket's subprotocol is one."""


@pytest.fixture(autouse=True)
def streams(settings):
    names = {"default": "asking", "other": "asking", "full": "full", "nosy": "nosy"}
    settings.RTC_STREAMS = {alias: f"{__name__}.{name}" for alias, name in names.items()}


class Someone:
    pk = 7


def test_a_ticket_says_what_it_was_made_for():
    ticket = read_ticket(make_ticket("default", Someone), "default")
    assert (ticket.stream, ticket.user_pk, len(ticket.nonce) >= 24) == ("default", "7", True)
    assert timedelta(seconds=55) < ticket.expires_at - timezone.now() <= timedelta(seconds=60)
    assert read_ticket(make_ticket(), "default").user_pk is None


class Plain:
    """A row of a user model that has no `is_active`."""

    pk = 7


def test_a_user_model_need_not_have_active_users(monkeypatch):
    users = {"7": Plain()}

    class Manager:
        def filter(self, **fields):
            assert list(fields) == ["pk"]
            return self

        def first(self):
            return users.get("7")

    monkeypatch.setattr("rtc.tickets.get_user_model", lambda: SimpleNamespace(_default_manager=Manager()))
    ticket = read_ticket(make_ticket("default", Someone), "default")
    assert user_of(ticket) is users["7"]
    users.clear()
    with pytest.raises(BadTicket):
        user_of(ticket)


@pytest.mark.parametrize(("ahead_s", "is_good"), [(30, True), (90, False)])
def test_a_ticket_from_the_future_is_one_of_a_clock_that_is_ahead(monkeypatch, ahead_s, is_good):
    now_s = time.time()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("django.core.signing.time.time", lambda: now_s + ahead_s)
        text = make_ticket()
    if not is_good:
        with pytest.raises(BadTicket, match="ticket_invalid"):
            read_ticket(text, "default")
        return
    # That it was used is known for as long as it is good.
    left_s = (read_ticket(text, "default").expires_at - timezone.now()).total_seconds()
    assert 60 + ahead_s - 2 < left_s <= 60 + ahead_s


def test_no_two_tickets_are_alike():
    assert len({nonce_of(make_ticket()) for _ in range(100)}) == 100


@pytest.mark.parametrize("user", [None, Someone])
def test_a_ticket_can_be_a_subprotocol_a_path_segment_or_in_a_query(user):
    ticket = make_ticket("a-stream_of-mine", user)
    assert TOKEN.fullmatch(f"ticket.{ticket}")
    assert re.fullmatch(r"[A-Za-z0-9._-]{50,250}", ticket)


def reason(text, stream="default"):
    with pytest.raises(BadTicket) as caught:
        read_ticket(text, stream)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize("text", ["", "x", ".", "..", "a.b.c", "\ud800", "\0", "x" * 10_000, "ü.ü.ü", ":", "a:b:c"])
def test_a_ticket_that_was_made_up(text):
    assert reason(text) == "ticket_invalid"
    assert nonce_of(text) == ""


def test_a_ticket_that_was_tampered_with():
    ticket = make_ticket()
    for place in (0, len(ticket) // 2, len(ticket) - 2):
        letter = "A" if ticket[place] != "A" else "B"
        assert reason(ticket[:place] + letter + ticket[place + 1 :]) == "ticket_invalid"


def test_what_was_signed_for_something_else_is_no_ticket(settings):
    assert reason(signing.dumps(["default", None, "n"])) == "ticket_invalid"
    for salt, value in (("rtc.other", ["default", None, "n"]), (SALT, ["default"])):
        assert reason(signing.TimestampSigner(salt=salt, sep=".").sign_object(value)) == "ticket_invalid"
    ticket = make_ticket()
    settings.SECRET_KEY = "another"
    assert reason(ticket) == "ticket_invalid"
    assert nonce_of(ticket) == ""


def test_a_ticket_of_another_stream():
    assert reason(make_ticket("other")) == "ticket_of_another_stream"


def test_a_ticket_expires_for_starting_only(settings):
    settings.RTC_TICKET_MAX_AGE_S = -1
    ticket = make_ticket()
    assert reason(ticket) == "ticket_expired"
    assert nonce_of(ticket) != ""


@pytest.mark.django_db
def test_whose_a_ticket_is(django_user_model):
    user = django_user_model.objects.create(username="ann")
    ticket = read_ticket(make_ticket("default", user), "default")
    assert user_of(ticket) == user
    assert user_of(read_ticket(make_ticket(), "default")) is None
    user.is_active = False
    user.save()
    with pytest.raises(BadTicket, match="ticket_invalid"):
        user_of(ticket)
    user.delete()
    with pytest.raises(BadTicket, match="ticket_invalid"):
        user_of(ticket)


# On a socket -----------------------------------------------------------------------------------------------------

sockets = pytest.mark.django_db(transaction=True)


async def refused(phone, **more):
    """The reason, and the close code."""
    answer = await phone.open(**more)
    messages, code = await phone.closed()
    await phone.disconnect()
    assert answer["meta"]["error"] == messages[-1]["data"]["reason"]
    return answer["meta"]["error"], code


@sockets
@pytest.mark.parametrize("way", ["params", "path", "subprotocol", "path and params"])
async def test_a_ticket_starts_a_session_once(way, django_user_model):
    user = await django_user_model.objects.acreate(username="ann")
    ticket = make_ticket("nosy", user)
    seen.clear()

    def phone():
        path = f"/nosy/websocket/offer/{ticket}" if "path" in way else "/nosy/websocket/offer"
        subprotocols = [f"ticket.{ticket}", "other"] if way == "subprotocol" else None
        headers = [(b"origin", b"https://foreign.example")]
        return Phone(path=path, subprotocols=subprotocols, headers=headers)

    params = {"colour": "blue", **({"ticket": ticket} if "params" in way else {})}
    first = await phone().start(params=params)
    assert first.subprotocol == (f"ticket.{ticket}" if way == "subprotocol" else None)
    session = await Session.objects.aget()
    assert (session.user_id, session.ticket, session.owner_key != "") == (user.pk, nonce_of(ticket), True)
    assert seen == [(user, {"colour": "blue"})], "the ticket is no parameter"
    await first.hang_up()
    assert await refused(phone(), params=params) == ("ticket_used", 4403)


@sockets
async def test_the_ticket_counts_and_not_the_cookie(django_user_model):
    ann = await django_user_model.objects.acreate(username="ann")
    bob = await django_user_model.objects.acreate(username="bob")
    phone = await Phone(user=bob).start(params={"ticket": make_ticket("default", ann)})
    assert (await Session.objects.aget()).user_id == ann.pk
    await phone.hang_up()


@sockets
@pytest.mark.parametrize(
    ("ticket", "reason"),
    [
        (lambda: "made up", "ticket_invalid"),
        (lambda: make_ticket("other"), "ticket_of_another_stream"),
        (lambda: make_ticket("default", Someone), "ticket_invalid"),
    ],
)
async def test_bad_tickets_on_a_socket(ticket, reason):
    assert await refused(Phone(), params={"ticket": ticket()}) == (reason, 4403)
    assert not await Session.objects.aexists()


@sockets
async def test_a_ticket_that_came_to_nothing_is_still_good():
    ticket = make_ticket("full")
    for _ in range(2):
        assert await refused(Phone("full"), params={"ticket": ticket}) == ("concurrency_limit_reached", 4429)
    assert not await UsedTicket.objects.aexists()


@sockets
@pytest.mark.parametrize("ticket", [5, None, ["x"], {}])
async def test_a_ticket_that_is_no_text(ticket):
    phone = Phone()
    answer = await phone.open(params={"ticket": ticket})
    assert (answer["type"], answer["code"]) == ("error", "bad_ticket")
    await phone.say(event="start", websocket_id="a")
    await phone.hear_of("send_input")
    await phone.hang_up()


@sockets
async def test_an_old_ticket_still_opens_the_hook_of_its_session(settings):
    ticket, other = make_ticket(), make_ticket()
    phone = await Phone().start(params={"ticket": ticket})
    settings.RTC_TICKET_MAX_AGE_S = -1
    assert (await post({"webrtc_id": "a"}, ticket=ticket))[0] == 200
    for wrong in (None, other, "made-up"):
        assert (await post({"webrtc_id": "a"}, ticket=wrong))[0] == 403
    await phone.hang_up()
    assert (await post({"webrtc_id": "a"}, ticket=ticket))[0] == 410
