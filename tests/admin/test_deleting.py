"""Deleting sessions in the admin."""

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.db import models
from django.urls import reverse

from rtc import admin
from rtc.models import Input, Output, Session, TimelineEntry
from tests.admin.conftest import client_with, fill
from tests.admin.test_actions import act, told
from tests.own_rows import own_model

pytestmark = pytest.mark.django_db


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
