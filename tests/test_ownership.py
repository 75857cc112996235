"""Whose a session is, at the hook, and what pages of other origins may do."""

import json
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import AsyncClient

from rtc import Stream
from rtc.answers import Refusal
from rtc.models import Session
from rtc.ownership import FIRST_KEY, NO_SESSION, Claim, owner_key
from rtc.tickets import make_ticket
from tests.hooks import Asking, Phone, post, refused

OWN = "http://testserver"
FRIEND = "https://friend.example"
FOREIGN = "https://foreign.example"
KEY = "k" * 32


def user(pk):
    return SimpleNamespace(pk=pk, is_authenticated=True)


KINDS = {
    "nobody's": Session(),
    "ann's": Session(user_id=1, owner_key=owner_key(KEY)),
    "ann's without a cookie": Session(user_id=1, owner_key=NO_SESSION),
    "a deleted user's": Session(user_id=None, owner_key=NO_SESSION),
    "a browser's": Session(owner_key=owner_key(KEY)),
    "a ticket's": Session(ticket="nonce"),
    "ann's by ticket": Session(user_id=1, ticket="nonce", owner_key=NO_SESSION),
}
CLAIMS = {
    "none": (Claim(), {"nobody's"}),
    "anonymous": (Claim(user=AnonymousUser()), {"nobody's"}),
    "ann": (Claim(user=user(1)), {"nobody's", "ann's", "ann's without a cookie", "ann's by ticket"}),
    "bob": (Claim(user=user(2)), {"nobody's"}),
    "bob in ann's browser": (Claim(user=user(2), owner_keys=(owner_key(KEY),)), {"nobody's", "a browser's"}),
    "that browser": (Claim(user=AnonymousUser(), owner_keys=(owner_key(KEY),)), {"nobody's", "a browser's"}),
    "another browser": (Claim(owner_keys=(owner_key("x" * 32),)), {"nobody's"}),
    "the ticket": (Claim(ticket="nonce"), {"nobody's", "a ticket's", "ann's by ticket"}),
    "another ticket": (Claim(ticket="other"), {"nobody's"}),
    "the ticket, from abroad": (Claim(ticket="nonce", ticket_only=True), {"a ticket's", "ann's by ticket"}),
    "another ticket, from abroad": (Claim(ticket="other", ticket_only=True), set()),
}


@pytest.mark.parametrize(("claim", "opened"), CLAIMS.values(), ids=CLAIMS)
def test_what_a_claim_opens(claim, opened):
    assert {kind for kind, session in KINDS.items() if claim.may_use(session)} == opened
    assert {kind for kind, session in KINDS.items() if claim.owns(session)} == opened - {"nobody's"}


asking = Stream(Asking)
sockets = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def streams(settings):
    settings.RTC_STREAMS = {"default": f"{__name__}.asking"}
    settings.RTC_ALLOWED_ORIGINS = [FRIEND]


@pytest.fixture
async def ann(django_user_model):
    return await django_user_model.objects.acreate(username="ann")


@pytest.fixture
async def bob(django_user_model):
    return await django_user_model.objects.acreate(username="bob")


# Ids that are used again -----------------------------------------------------------------------------------------


async def logged_in(user):
    client = AsyncClient()
    await client.aforce_login(user)
    return client


@sockets
async def test_a_stranger_learns_nothing(ann, bob):
    """Neither from a live session nor from one that is over."""
    phone = await Phone(user=ann).start("a")
    answers = []
    for _ in range(2):
        for client, ticket in ((AsyncClient(), None), (await logged_in(bob), None), (None, make_ticket())):
            answers.append(await post({"webrtc_id": "a"}, client, ticket=ticket))
        answers.append(await post({"webrtc_id": "a"}, None, origin=FRIEND))
        if len(answers) == 4:
            await phone.hang_up()
    assert answers == [(403, {"error": "not_yours", "message": "This session is somebody else's."})] * 8
    assert (await post({"webrtc_id": "never-was"}))[0] == 404


@sockets
async def test_an_id_used_again_by_another_gives_neither_the_others_session(ann, bob):
    ann_client, bob_client = await logged_in(ann), await logged_in(bob)
    first = await Phone(user=ann).start("a")
    assert (await post({"webrtc_id": "a"}, ann_client))[0] == 200
    await first.hang_up()
    second = await Phone(user=bob).start("a")
    assert (await post({"webrtc_id": "a"}, bob_client))[0] == 200
    # Hers is over; that the id has another owner now is none of her business.
    assert (await post({"webrtc_id": "a"}, ann_client))[0] == 410
    await second.hang_up()
    third = await Phone(user=ann).start("a")
    assert (await post({"webrtc_id": "a"}, ann_client))[0] == 200
    assert (await post({"webrtc_id": "a"}, bob_client))[0] == 410
    await third.hang_up()


@sockets
async def test_a_session_of_nobody_does_not_catch_what_was_meant_for_ones_own(ann):
    client = await logged_in(ann)
    first = await Phone(user=ann).start("a")
    await first.hang_up()
    trap = await Phone().start("a")
    assert (await post({"webrtc_id": "a", "inputs": "a secret"}, client))[0] == 410
    assert (await post({"webrtc_id": "a", "inputs": "mine"}))[0] == 200
    assert (await trap.hear("got"))[1] == "mine"
    await trap.hang_up()


@sockets
async def test_the_session_of_a_deleted_user_is_nobody_elses(ann):
    phone = await Phone(user=ann).start("a")
    await phone.hang_up()
    await ann.adelete()
    assert (await Session.objects.aget()).user_id is None
    assert (await post({"webrtc_id": "a"}))[0] == 403


@sockets
async def test_the_owner_keeps_it_over_a_change_of_the_cookie_and_loses_it_by_logging_out(ann):
    phone = await Phone(user=ann).start("a")
    first, second = await logged_in(ann), await logged_in(ann)
    for client in (first, second):
        assert (await post({"webrtc_id": "a"}, client))[0] == 200
    await first.alogout()
    assert (await post({"webrtc_id": "a"}, first))[0] == 403
    ann.is_active = False
    await ann.asave()
    assert (await post({"webrtc_id": "a"}, second))[0] == 403
    await phone.hang_up()


# Pages of other origins ------------------------------------------------------------------------------------------


@sockets
async def test_a_foreign_page_may_not_start_without_a_ticket():
    headers = [(b"origin", FOREIGN.encode())]
    assert await refused(Phone(headers=headers)) == ("origin_not_allowed", None, 4403)
    assert await refused(Phone(headers=headers), params={"ticket": ""}) == ("origin_not_allowed", None, 4403)
    phone = await Phone(headers=[(b"origin", FRIEND.encode())]).start()
    await phone.hang_up()


async def preflight(origin, method="POST"):
    headers = {"origin": origin, "access-control-request-method": method}
    return await AsyncClient().options("/input_hook?ticket=x", headers=headers)


@pytest.mark.parametrize(("origin", "credentials"), [(OWN, None), (FRIEND, "true"), (FOREIGN, None), ("null", None)])
async def test_a_preflight(origin, credentials):
    response = await preflight(origin)
    assert (response.status_code, response.content) == (204, b"")
    assert response["Access-Control-Allow-Origin"] == origin
    assert response.get("Access-Control-Allow-Credentials") == credentials
    assert response["Access-Control-Allow-Methods"] == "POST"
    assert response["Access-Control-Allow-Headers"] == "Content-Type, Last-Event-ID"
    assert "Origin" in response["Vary"]


async def test_with_a_star_no_credentials_are_taken(settings):
    settings.RTC_ALLOWED_ORIGINS = ["*"]
    response = await preflight(FOREIGN)
    assert response["Access-Control-Allow-Origin"] == FOREIGN
    assert "Access-Control-Allow-Credentials" not in response


@sockets
async def test_which_pages_may_post_for_their_visitor(ann, settings):
    client = await logged_in(ann)
    phone = await Phone(user=ann).start("a")
    for origin, status in ((None, 200), (OWN, 200), (FRIEND, 200), (FOREIGN, 403), ("null", 403)):
        headers = {} if origin is None else {"origin": origin}
        assert (await post({"webrtc_id": "a"}, client, **headers))[0] == status
    settings.RTC_ALLOWED_ORIGINS = ["*"]
    status, answer = await post({"webrtc_id": "a"}, client, origin=FOREIGN)
    assert (status, answer["error"]) == (403, "not_yours"), "with a star no cookie counts"
    await phone.hang_up()


@sockets
async def test_a_foreign_page_needs_the_ticket_of_that_session(ann):
    client = await logged_in(ann)
    ticket, mallorys = make_ticket("default", ann), make_ticket("default")
    phone = await Phone(headers=[(b"origin", FOREIGN.encode())]).start("a", params={"ticket": ticket})
    open_to_all = await Phone().start("nobodys")

    async def ask(session_id, ticket):
        status, answer = await post({"webrtc_id": session_id}, client, ticket=ticket, origin=FOREIGN)
        return status, answer.get("error")

    assert await ask("a", ticket) == (200, None)
    assert await ask("a", mallorys) == (403, "not_yours"), "her cookie does not count on a foreign page"
    assert await ask("nobodys", mallorys) == (403, "not_yours")
    for missing in (None, "made-up"):
        for session_id in ("a", "nobodys", "never-was"):
            assert await ask(session_id, missing) == (403, "origin_not_allowed")
    await phone.hang_up()
    await open_to_all.hang_up()


def test_a_refusal_carries_data_and_makes_its_text():
    refusal = Refusal(400, "invalid_inputs", "No.", errors={"a": []})
    assert str(refusal) == "400 invalid_inputs: No."
    assert json.loads(refusal.response().content) == {"error": "invalid_inputs", "message": "No.", "errors": {"a": []}}
    assert refusal.response().status_code == 400


@sockets
async def test_a_page_may_read_why_it_was_refused():
    for body, content_type, status in ((b"{", "application/json", 400), (b"{}", "text/plain", 415)):
        response = await AsyncClient().post(
            "/input_hook", data=body, content_type=content_type, headers={"origin": FRIEND}
        )
        assert response.status_code == status
        assert response["Access-Control-Allow-Origin"] == FRIEND
        assert response["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in response["Vary"]
    response = await AsyncClient().post("/input_hook", data=b"{}", content_type="application/json")
    assert "Access-Control-Allow-Origin" not in response
    assert "Origin" in response["Vary"]


# A visitor who logs in meanwhile ---------------------------------------------------------------------------------


@pytest.fixture
def visit():
    """Gives the browser of an anonymous visitor with a Django session, who has opened the stream's page or not."""

    async def visit(*, page: bool) -> AsyncClient:
        client = AsyncClient()
        session = await client.asession()
        await session.aset("cart", ["apple"])
        await session.asave()
        if page:
            assert (await client.get("/default/")).status_code == 200
        return client

    return visit


@sockets
async def test_a_call_stays_the_visitors_who_logs_in_meanwhile(visit, ann, bob):
    client, stranger = await visit(page=True), await visit(page=True)
    phone = await Phone(user=AnonymousUser(), session=await client.asession()).start("a")
    before = (await client.asession()).session_key
    await client.aforce_login(ann)
    assert (await client.asession()).session_key != before
    assert (await post({"webrtc_id": "a"}, client))[0] == 200
    assert (await post({"webrtc_id": "a"}, stranger))[0] == 403
    await client.aforce_login(bob)  # the session of the one before is over
    assert (await post({"webrtc_id": "a"}, client))[0] == 403
    await phone.hang_up()


@sockets
@pytest.mark.parametrize("page_first", [True, False])
async def test_a_call_is_the_sessions_whether_it_keeps_its_owner_key_or_not(visit, page_first):
    """Another page may have it keep one in mid-call, and a request that loaded it earlier may save it without."""
    client = await visit(page=page_first)
    phone = await Phone(user=AnonymousUser(), session=await client.asession()).start("a")
    if page_first:
        session = await client.asession()
        await session.apop(FIRST_KEY)
        await session.asave()
        assert (await post({"webrtc_id": "a"}, client))[0] == 200
    assert (await client.get("/default/")).status_code == 200
    assert await (await client.asession()).aget(FIRST_KEY)
    assert (await post({"webrtc_id": "a"}, client))[0] == 200
    await phone.hang_up()


@pytest.mark.django_db
def test_a_visitor_without_a_session_gets_none(client):
    assert client.get("/default/").status_code == 200
    assert client.cookies == {}
