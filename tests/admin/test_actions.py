import asyncio
import re
import threading

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import path, reverse

from fastrtc_project import urls
from rtc import admin
from rtc import worker as workers
from rtc.models import Session
from tests.admin.conftest import LIST_URL, change_url, client_with, page

pytestmark = pytest.mark.django_db


def act(client, action, *sessions, **data):
    data = {"action": action, "_selected_action": [session.pk for session in sessions], **data}
    return client.post(LIST_URL, data, follow=True)


def told(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


ops = AdminSite(name="ops")
ops.register(Session, admin.SessionAdmin)
urlpatterns = [path("ops/", ops.urls), *urls.urlpatterns]


# Who may do what


@pytest.mark.parametrize(
    ("permissions", "views", "hangs_up", "deletes"),
    [
        ([], False, False, False),
        (["hang_up_session"], False, False, False),
        (["view_session"], True, False, False),
        (["view_session", "hang_up_session"], True, True, False),
        (["view_session", "delete_session"], True, False, True),
    ],
)
def test_permissions_of_staff(make_session, permissions, views, hangs_up, deletes):
    live, ended = make_session("live"), make_session("ended", ended=True)
    client = client_with(*permissions)
    hang_up_url = reverse("admin:rtc_session_hang_up", args=[live.pk])
    delete_url = reverse("admin:rtc_session_delete", args=[ended.pk])
    assert (client.get(LIST_URL).status_code == 200) == views
    assert (client.get(change_url(live)).status_code == 200) == views
    assert (client.get(hang_up_url).status_code == 200) == hangs_up
    assert (client.get(delete_url).status_code == 200) == deletes
    if views:
        text = page(client, LIST_URL)
        assert ('value="hang_up"' in text) == hangs_up
        assert ('value="delete_selected"' in text) == deletes
        assert (hang_up_url in page(client, change_url(live))) == hangs_up
        assert hang_up_url not in page(client, change_url(ended))
    client.post(hang_up_url, {"post": "yes"})
    assert LogEntry.objects.count() == 0
    client.post(delete_url, {"post": "yes"})
    assert Session.objects.filter(pk=ended.pk).exists() != deletes


def test_nobody_but_staff_sees_anything(make_session):
    url = change_url(make_session())
    everyday = client_with("view_session", "hang_up_session", is_staff=False)
    for client in [Client(), everyday]:
        for place in [LIST_URL, url, url.replace("change", "hang_up")]:
            assert client.get(place).status_code == 302


# Hanging up


class FakeCall:
    def __init__(self):
        self.hung_up = threading.Event()

    def hang_up(self, text=""):
        asyncio.get_running_loop()  # raises anywhere but on the call's own loop
        self.hung_up.set()


@pytest.fixture
def run_here(monkeypatch):
    """Puts a call into this process: on an event loop in another thread, as a server has it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    local = workers.LocalWorker()
    monkeypatch.setitem(workers._workers, loop, local)

    def run(session):
        call = local.calls[session.pk] = FakeCall()
        return call

    yield run
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_hanging_up_asks_first(superuser, make_session, run_here):
    session = make_session()
    call = run_here(session)
    response = act(superuser, "hang_up", session)
    assert "Yes, hang up" in response.content.decode()
    assert not call.hung_up.is_set()
    response = act(superuser, "hang_up", session, post="yes")
    assert told(response) == ["Hung up: 1 session."]
    assert call.hung_up.wait(5)
    assert LogEntry.objects.get().change_message == "Hung up."


def hidden_fields(text):
    return dict(
        re.findall(r'<input type="hidden" name="(?!csrf)(\w+)" value="([^"]*)">', text.split("<form method=")[-1])
    )


def test_more_can_be_hung_up_at_once_than_a_form_may_have_fields(superuser, make_session, run_here, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    sessions = [make_session(f"s{number}") for number in range(20)]
    calls = [run_here(session) for session in sessions]
    first = {"action": "hang_up", "select_across": "1", ACTION_CHECKBOX_NAME: str(sessions[0].pk)}
    confirmation = superuser.post(LIST_URL, first).content.decode()
    response = superuser.post(LIST_URL, hidden_fields(confirmation), follow=True)
    assert told(response) == ["Hung up: 20 sessions."]
    assert all(call.hung_up.wait(5) for call in calls)


def test_who_names_sessions_otherwise_than_by_key_is_refused(superuser, make_session):
    session = make_session()
    fields = {"action": "hang_up", ACTION_CHECKBOX_NAME: str(session.pk), "post": "yes", "sessions": "1,x"}
    assert superuser.post(LIST_URL, fields).status_code == 400


def test_hanging_up_from_the_sessions_page(superuser, make_session, run_here):
    session = make_session()
    call = run_here(session)
    url = reverse("admin:rtc_session_hang_up", args=[session.pk])
    assert not call.hung_up.is_set()
    assert "Yes, hang up" in page(superuser, url)
    response = superuser.post(url, {"post": "yes"}, follow=True)
    assert response.redirect_chain[-1][0] == change_url(session)
    assert call.hung_up.wait(5)


def test_a_get_never_hangs_up(superuser, make_session, run_here):
    session = make_session()
    call = run_here(session)
    superuser.get(reverse("admin:rtc_session_hang_up", args=[session.pk]) + "?post=yes")
    assert LogEntry.objects.count() == 0
    assert not call.hung_up.is_set()


def test_a_worker_out_of_reach_is_named(superuser, make_session, run_here):
    here, elsewhere = make_session("here"), make_session("elsewhere")
    call = run_here(here)
    response = act(superuser, "hang_up", here, elsewhere, post="yes")
    assert told(response) == [
        "Hung up: 1 session.",
        "Worker box:1 could not be reached: 1 session not hung up.",
    ]
    assert call.hung_up.wait(5)


def test_a_call_whose_loop_is_closed_is_out_of_reach(superuser, make_session, monkeypatch):
    session = make_session()
    loop = asyncio.new_event_loop()
    local = workers.LocalWorker()
    local.calls[session.pk] = FakeCall()
    monkeypatch.setitem(workers._workers, loop, local)
    loop.close()
    assert "could not be reached" in told(act(superuser, "hang_up", session, post="yes"))[0]


def test_words_of_djangos_are_in_its_translation(superuser, make_session, settings):
    settings.LANGUAGE_CODE = "fr"
    text = act(superuser, "hang_up", make_session()).content.decode()
    assert ">Accueil</a>" in text and ">Non, revenir à la page précédente</a>" in text
    assert "<summary>Filtre</summary>" in superuser.get(LIST_URL).content.decode()


def test_what_is_over_is_not_hung_up(superuser, make_session):
    session = make_session(ended=True)
    assert told(act(superuser, "hang_up", session, post="yes")) == ["Nothing to hang up: that was over already."]


# A second site


def test_a_second_admin_site_sends_nobody_to_the_first(superuser, make_session, run_here, settings):
    settings.ROOT_URLCONF = __name__
    live, ended = make_session("live"), make_session("ended", ended=True)
    run_here(live)
    for session, what in ((live, "delete"), (live, "hang_up"), (ended, "hang_up")):
        response = superuser.post(f"/ops/rtc/session/{session.pk}/{what}/", {"post": "yes"})
        assert response["Location"] == f"/ops/rtc/session/{session.pk}/change/"
    assert 'href="/ops/rtc/session/' in page(superuser, f"/ops/rtc/session/{live.pk}/hang_up/")
