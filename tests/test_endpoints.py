"""Programs get answers from projects whose pages are in transactions, or behind a login."""

import pytest
from django.db import connections
from django.test import AsyncClient
from django.urls import get_resolver

from rtc import Stream
from tests.hooks import OK, Asking, Phone, ended, post

pytestmark = pytest.mark.django_db(transaction=True)

asking = Stream(Asking)


@pytest.fixture(params=["atomic", "login"], autouse=True)
def project(request, settings, monkeypatch):
    settings.RTC_STREAMS = {"default": f"{__name__}.asking"}
    settings.RTC_METRICS_TOKEN = "correct-horse"
    if request.param == "atomic":
        for alias in connections:
            monkeypatch.setitem(connections.settings[alias], "ATOMIC_REQUESTS", True)
    else:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    return request.param


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_those_who_watch_get_answers(path):
    response = await AsyncClient().get(path, headers={"Authorization": "Bearer correct-horse"})
    assert response.status_code == 200


async def test_whoever_is_not_logged_in_gives_inputs_and_reads_outputs():
    phone = await Phone().start()
    assert await post({"webrtc_id": "a", "inputs": ["Paris"]}) == OK
    await phone.hang_up()
    await ended("a")
    outputs = await AsyncClient().get("/outputs?webrtc_id=a")
    assert outputs.status_code == 200
    assert "event: end" in b"".join([part async for part in outputs.streaming_content]).decode()


async def test_pages_ask_for_a_login_where_the_project_does(project):
    response = await AsyncClient().get("/default/")
    assert response.status_code == (302 if project == "login" else 200)


def test_all_addresses_of_programs_are_meant():
    views = [pattern.callback for pattern in get_resolver("rtc.urls").url_patterns]
    asked_by_programs = [view for view in views if not hasattr(view, "view_class")]
    assert len(asked_by_programs) == 5
    assert all(view.login_required is False for view in asked_by_programs)
