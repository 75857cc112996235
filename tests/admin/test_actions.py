import asyncio
import re
import threading

import pytest
from django.contrib.admin import AdminSite, site
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.db import models
from django.test import Client
from django.urls import path, reverse

from fastrtc_project import urls
from rtc import admin
from rtc import worker as workers
from rtc.models import Input, Output, Session, TimelineEntry
from tests.admin.conftest import LIST_URL, change_url, client_with, fill, page
from tests.own_rows import own_model

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


# Deleting


def test_an_ended_session_goes_with_all_its_rows(superuser, make_session):
    session = make_session(ended=True)
    fill(session)
    text = act(superuser, "delete_selected", session).content.decode()
    assert "Timeline entries: 2" in text or "timeline entries: 2" in text
    act(superuser, "delete_selected", session, post="yes")
    assert [model.objects.count() for model in (Session, Input, Output, TimelineEntry)] == [0, 0, 0, 0]


def deleting(client, session):
    """The four pages of deleting it: both ways, before and after it was confirmed."""
    delete_url = reverse("admin:rtc_session_delete", args=[session.pk])
    yield client.get(delete_url)
    yield client.post(delete_url, {"post": "yes"})
    yield act(client, "delete_selected", session)
    yield act(client, "delete_selected", session, post="yes")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("on_delete", [models.PROTECT, models.RESTRICT])
@pytest.mark.parametrize("to", [Session, Output, Input, TimelineEntry])
def test_a_session_that_rows_of_the_project_protect_is_not_deleted(superuser, make_session, on_delete, to):
    session = make_session(ended=True)
    fill(session)
    with own_model(on_delete, to) as invoices:
        invoice = invoices.objects.create(**{to._meta.model_name: to.objects.first()})
        for shown in deleting(superuser, session):
            assert shown.status_code == 200
            assert f"Invoice: No. {invoice.pk}" in shown.content.decode()
        assert Session.objects.exists()
        invoice.delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("to", [Session, Output])
def test_rows_of_the_project_that_go_with_a_session_are_named(superuser, make_session, to):
    session = make_session(ended=True)
    fill(session)
    with own_model(models.CASCADE, to) as invoices:
        invoice = invoices.objects.create(**{to._meta.model_name: to.objects.first()})
        shown = act(superuser, "delete_selected", session).content.decode()
        assert f"Invoice: No. {invoice.pk}" in shown and "invoices: 1" in shown.lower()
        act(superuser, "delete_selected", session, post="yes")
        assert not invoices.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("to", [Session, Output])
def test_rows_of_the_project_that_one_may_not_delete_keep_a_session(make_session, to):
    session = make_session(ended=True)
    fill(session)
    client = client_with("view_session", "delete_session")
    with own_model(models.CASCADE, to) as invoices:
        site.register(invoices)
        try:
            invoices.objects.create(**{to._meta.model_name: to.objects.first()})
            statuses = [shown.status_code for shown in deleting(client, session)]
        finally:
            site.unregister(invoices)
        assert statuses == [200, 403, 200, 403]
        assert invoices.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_protects_a_session_shows_also_to_who_may_not_delete_it(make_session):
    session = make_session(ended=True)
    client = client_with("view_session", "delete_session")
    with own_model(models.PROTECT) as invoices:
        site.register(invoices)
        try:
            invoice = invoices.objects.create(session=session)
            texts = [shown.content.decode() for shown in deleting(client, session)]
        finally:
            site.unregister(invoices)
            invoices.objects.all().delete()
    assert all(f"Invoice: No. {invoice.pk}" in text for text in texts)


@pytest.mark.django_db(transaction=True)
def test_rows_of_the_project_with_two_ways_to_sessions_are_counted_once_each(superuser, make_session):
    sessions = [make_session(f"ended-{number}", ended=True) for number in range(3)]
    with own_model(models.CASCADE, other=models.CASCADE) as invoices:
        for first, second in (sessions[:2], sessions[1:], sessions[:2]):
            invoices.objects.create(session=first, other=second)
        assert "invoices: 3" in act(superuser, "delete_selected", *sessions).content.decode().lower()
        invoices.objects.all().delete()
        for session in sessions[:2]:
            invoices.objects.create(session=session)
        invoices.objects.create(session=make_session("another", ended=True), other=sessions[0])
        assert "invoices: 3" in act(superuser, "delete_selected", *sessions).content.decode().lower()


@pytest.mark.django_db(transaction=True)
def test_a_restricting_row_that_goes_with_the_session_anyway_keeps_nothing(superuser, make_session):
    session = make_session(ended=True)
    with own_model(models.RESTRICT, other=models.CASCADE) as invoices:
        invoices.objects.create(session=session, other=session)
        assert "Yes, I" in act(superuser, "delete_selected", session).content.decode()
        act(superuser, "delete_selected", session, post="yes")
        assert not invoices.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("to", [Session, Output])
def test_what_only_the_database_knows_of_is_told_of(superuser, make_session, to):
    session = make_session(ended=True)
    fill(session)
    with own_model(models.DO_NOTHING, to) as invoices:
        invoices.objects.create(**{to._meta.model_name: to.objects.first()})
        text = told(act(superuser, "delete_selected", session, post="yes"))
        delete_url = reverse("admin:rtc_session_delete", args=[session.pk])
        text += told(superuser.post(delete_url, {"post": "yes"}, follow=True))
        invoices.objects.all().delete()
    assert [line[:19] for line in text] == ["Nothing was deleted"] * 2
    assert Session.objects.exists() and not LogEntry.objects.exists()


def test_what_a_receiver_of_the_project_protects_is_not_deleted(superuser, make_session):
    session = make_session(ended=True)

    def protect(instance, **kwargs):
        raise models.ProtectedError("still needed", {instance})

    models.signals.pre_delete.connect(protect, sender=Session)
    try:
        text = told(act(superuser, "delete_selected", session, post="yes"))
        delete_url = reverse("admin:rtc_session_delete", args=[session.pk])
        text += told(superuser.post(delete_url, {"post": "yes"}, follow=True))
    finally:
        models.signals.pre_delete.disconnect(protect, sender=Session)
    assert [line[:19] for line in text] == ["Nothing was deleted"] * 2
    assert Session.objects.exists() and not LogEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_our_own_rows_are_counted_and_not_read(superuser, make_session):
    session = make_session(ended=True)
    Output.objects.bulk_create(Output(session=session, position=number, payload="1") for number in range(1, 101))
    read = []
    models.signals.post_init.connect(
        lambda **kwargs: read.append(kwargs["instance"]), Output, weak=False, dispatch_uid="read"
    )
    try:
        with own_model(models.CASCADE, Output) as invoices:
            invoices.objects.create(output=session.outputs.get(position=7))
            read.clear()
            shown = act(superuser, "delete_selected", session).content.decode()
            invoices.objects.all().delete()
    finally:
        models.signals.post_init.disconnect(sender=Output, dispatch_uid="read")
    assert "outputs: 100" in shown.lower()
    assert {output.position for output in read} == {7}


def test_more_sessions_than_the_form_and_live_calls_can_bear_are_not_deleted_at_once(
    superuser, make_session, monkeypatch
):
    monkeypatch.setattr(admin, "DELETED_AT_ONCE", 2)
    sessions = [make_session(f"ended-{number}", ended=True) for number in range(3)]
    for data in ({}, {"post": "yes"}):
        (text,) = told(act(superuser, "delete_selected", *sessions, **data))
        assert text == "At most 2 of 3 can be deleted at once; manage.py rtc_purge deletes old ones."
    assert Session.objects.count() == 3
    act(superuser, "delete_selected", *sessions[:2], post="yes")
    assert Session.objects.count() == 1


def test_a_live_session_is_not_deleted(superuser, make_session):
    live, ended = make_session("live"), make_session("ended", ended=True)
    response = act(superuser, "delete_selected", live, ended, post="yes")
    assert told(response)[0] == "A live session can't be deleted: 1 session left alone. Hang up first."
    assert list(Session.objects.values_list("pk", flat=True)) == [live.pk]
    response = superuser.post(reverse("admin:rtc_session_delete", args=[live.pk]), {"post": "yes"}, follow=True)
    assert told(response) == ["A live session can't be deleted. Hang up first."]
    assert Session.objects.count() == 1


def test_a_second_admin_site_sends_nobody_to_the_first(superuser, make_session, run_here, settings):
    settings.ROOT_URLCONF = __name__
    live, ended = make_session("live"), make_session("ended", ended=True)
    run_here(live)
    for session, what in ((live, "delete"), (live, "hang_up"), (ended, "hang_up")):
        response = superuser.post(f"/ops/rtc/session/{session.pk}/{what}/", {"post": "yes"})
        assert response["Location"] == f"/ops/rtc/session/{session.pk}/change/"
    assert 'href="/ops/rtc/session/' in page(superuser, f"/ops/rtc/session/{live.pk}/hang_up/")
