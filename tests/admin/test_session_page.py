import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from rtc.models import Input, Output, TimelineEntry
from tests.admin.conftest import HOSTILE, LIST_URL, beat, change_url, client_with, fill, page

pytestmark = pytest.mark.django_db


def test_what_a_client_sent_is_escaped(superuser, make_session):
    session = make_session(HOSTILE, ended=True, end_reason=HOSTILE, user_agent=HOSTILE)
    Input.objects.create(session=session, payload=json.dumps([HOSTILE * 20]), size=900)
    Output.objects.create(session=session, position=1, payload=json.dumps(HOSTILE))
    TimelineEntry.objects.create(session=session, kind="<b>", text=HOSTILE)
    for url in [LIST_URL, change_url(session), reverse("admin:rtc_session_delete", args=[session.pk])]:
        text = page(superuser, url)
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def timeline_kinds(response) -> list[str]:
    return [moment.kind for moment in response.context["timeline"].moments]


def test_the_timeline_is_merged_in_order_of_time(superuser, make_session):
    now = timezone.now()
    session = make_session(ended=True, started_at=now, ended_at=now + timedelta(seconds=5))
    fill(session)
    response = superuser.get(change_url(session))
    assert timeline_kinds(response) == ["started", "input", "turn", "output", "error", "ended"]
    assert "client_stop, close code 1000" in response.content.decode()


def test_a_long_timeline_comes_in_pages(superuser, make_session, django_assert_max_num_queries):
    now = timezone.now()
    session = make_session(ended=True, started_at=now, ended_at=now + timedelta(seconds=500))
    Output.objects.bulk_create(
        Output(session=session, position=number, payload="1", created_at=now + timedelta(seconds=number))
        for number in range(1, 251)
    )
    with django_assert_max_num_queries(14):
        newest = superuser.get(change_url(session)).context["timeline"]
    oldest = superuser.get(change_url(session) + "?timeline=3").context["timeline"]
    assert [newest.moments[0].text, newest.moments[-1].kind] == ["number 151", "ended"]
    assert [oldest.moments[0].kind, oldest.moments[1].text, oldest.moments[-1].text] == [
        "started",
        "number 1",
        "number 50",
    ]
    assert superuser.get(change_url(session) + "?timeline=nonsense").status_code == 200


@pytest.mark.parametrize(
    ("permissions", "sees_input", "sees_output"),
    [
        (["view_session"], False, False),
        (["view_session", "view_input"], True, False),
        (["view_session", "view_output"], False, True),
        (["view_session", "hang_up_session", "delete_session"], False, False),
    ],
)
def test_payloads_are_for_those_who_may_see_them(make_session, permissions, sees_input, sees_output):
    session = make_session()
    fill(session)
    response = client_with(*permissions).get(change_url(session))
    assert timeline_kinds(response) == ["started", "input", "turn", "output", "error"]
    assert ("typed" in response.content.decode()) == sees_input
    assert ("spoken" in response.content.decode()) == sees_output


def test_a_long_payload_is_shortened_and_can_be_opened(superuser, make_session):
    session = make_session()
    Output.objects.create(session=session, position=1, payload=json.dumps("x" * 9_000))
    Output.objects.create(session=session, position=2, payload=json.dumps("y" * 90_000))
    text = page(superuser, change_url(session))
    assert "<details>" in text
    assert "x" * 9_000 in text
    assert "y" * 9_000 in text and "y" * 10_000 not in text
    assert "cut here" in text


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (json.dumps("Grüße"), "Grüße"),
        ('"\\ud800"', "\\ud800"),
        ('["cut', "[&quot;cut"),
        ("[" * 4_000 + "]" * 4_000, "[[[["),
        ("1" * 5_000, "111"),
    ],
)
def test_any_payload_can_be_shown(superuser, make_session, payload, shown):
    session = make_session()
    Input.objects.create(session=session, payload=payload, size=len(payload))
    assert shown in page(superuser, change_url(session))


@pytest.mark.parametrize("sample_count", [1, 24, 720])
def test_level_and_delay_are_plotted(superuser, worker, make_session, sample_count):
    session = make_session()
    began = session.started_at.timestamp()
    samples = [[began + 5 * number, -30.5, -96.0, 20 * number, 12345] for number in range(sample_count)]
    beat(worker, session, recent=samples)
    live = superuser.get(change_url(session)).context["plots"]
    assert [plot.title for plot in live] == ["Level", "Delay"]
    assert all(0 <= tick.place <= plot.width for plot in live for tick in [*plot.time_ticks, *plot.value_ticks])
    half_a_character = 3
    assert all(
        tick.place + half_a_character * len(tick.label) <= plot.width for plot in live for tick in plot.time_ticks
    )
    session = make_session("other", ended=True, history=samples)
    text = page(superuser, change_url(session))
    assert text.count("<figure") == 2
    assert ("<polyline" in text) == (sample_count > 1)


def test_a_session_that_ended_before_its_first_sample_has_no_plots(superuser, make_session):
    assert "before the first sample" in page(superuser, change_url(make_session(ended=True)))


def test_nothing_is_added_or_changed(superuser, make_session):
    session = make_session()
    assert superuser.get(LIST_URL + "add/").status_code == 403
    superuser.post(change_url(session), {"session_id": "other"})
    session.refresh_from_db()
    assert session.session_id == "caller"


def test_a_session_that_is_gone_leads_back(superuser):
    assert superuser.get(LIST_URL + "999/change/").status_code == 302
    assert superuser.get(LIST_URL + "nonsense/change/").status_code == 302
