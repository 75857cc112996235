from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from rtc.models import Input, Output, Session, TimelineEntry, Worker

LIST_URL = "/admin/rtc/session/"
HOSTILE = '<script>alert("1")</script>'


def client_with(*permissions, **fields) -> Client:
    fields = {"username": "staff", "is_staff": True, **fields}
    user = get_user_model().objects.create_user(**fields)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="rtc", codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def superuser():
    return client_with(username="root", is_superuser=True)


@pytest.fixture
def worker():
    return Worker.objects.create(name="box:1:abc", host="box", pid=1)


@pytest.fixture
def make_session(worker):
    def make(session_id="caller", **fields):
        ended = fields.pop("ended", False)
        if ended:
            fields = {
                "state": Session.State.ENDED,
                "ended_at": timezone.now(),
                "end_reason": "client_stop",
                "close_code": 1000,
                **fields,
            }
        fields = {"state": Session.State.ACTIVE, "stream": "default", "worker": worker, **fields}
        return Session.objects.create(session_id=session_id, **fields)

    return make


def beat(worker, session, **figures):
    figures = {
        "frames_in": 1234,
        "frames_out": 987,
        "frames_dropped": 7,
        "errors": 3,
        "idle_s": 0.5,
        "recent": [],
        **figures,
    }
    worker.figures = {**worker.figures, str(session.pk): figures}
    worker.last_beat_at = timezone.now()
    worker.save()


def page(client, url) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def change_url(session) -> str:
    return reverse("admin:rtc_session_change", args=[session.pk])


def fill(session):
    at = session.started_at
    Output.objects.create(session=session, position=1, payload='"spoken"', created_at=at + timedelta(seconds=3))
    Input.objects.create(session=session, payload='["typed"]', size=9, created_at=at + timedelta(seconds=1))
    TimelineEntry.objects.create(session=session, kind="turn", created_at=at + timedelta(seconds=2))
    TimelineEntry.objects.create(session=session, kind="error", text="bad", created_at=at + timedelta(seconds=4))
