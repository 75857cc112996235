import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rtc.models import Worker
from tests.admin.conftest import LIST_URL, beat, change_url, page

pytestmark = pytest.mark.django_db
WORKERS_URL = "/admin/rtc/worker/"


def test_live_figures_are_those_of_the_workers_heartbeat(superuser, worker, make_session):
    beat(worker, make_session())
    text = page(superuser, LIST_URL)
    assert all(f">{figure}<" in text for figure in ["1,234", "987", "7", "3", "box:1", "active"])


def test_figures_of_an_ended_session_are_those_of_its_row(superuser, worker, make_session):
    session = make_session(ended=True, frames_in=55)
    beat(worker, session)
    text = page(superuser, LIST_URL)
    assert ">55<" in text
    assert "client_stop" in text
    assert "1,234" not in text


def test_a_session_without_a_heartbeat_yet_shows_no_figures(superuser, make_session):
    make_session()
    assert '<td class="field-heard">–</td>' in page(superuser, LIST_URL)


@pytest.mark.parametrize(
    "odd",
    [
        lambda told: None,
        lambda told: "figures",
        lambda told: {"frames_in": 1},
        lambda told: {**told, "frames_out": "many"},
        lambda told: {**told, "recent": [[1]]},
        lambda told: {**told, "idle_s": ""},
    ],
)
def test_what_a_worker_of_another_release_tells_costs_its_figures_alone(superuser, worker, make_session, odd):
    session = make_session("odd")
    beat(worker, make_session("other"))
    beat(worker, session)
    worker.figures[str(session.pk)] = odd(worker.figures[str(session.pk)])
    worker.save()
    text = page(superuser, LIST_URL)
    assert text.count('<td class="field-heard">–</td>') == 1 and ">1,234<" in text
    assert "The first sample comes" in page(superuser, change_url(session))
    Worker.objects.update(figures=[])
    assert page(superuser, LIST_URL).count('<td class="field-heard">–</td>') == 2


def test_a_session_whose_worker_is_silent_says_so(superuser, worker, make_session):
    beat(worker, make_session())
    Worker.objects.update(last_beat_at=timezone.now() - timedelta(minutes=1))
    assert "worker silent" in page(superuser, LIST_URL)


def test_a_session_without_a_worker_row_is_shown(superuser, make_session):
    make_session(worker=None)
    assert "caller" in page(superuser, LIST_URL)


@pytest.mark.parametrize(
    ("past", "text"),
    [
        ({"seconds": 4}, "4 s ago"),
        ({"minutes": 3}, "3 min ago"),
        ({"hours": 5}, "5 h ago"),
        ({"days": 3}, "/20"),
        ({"seconds": -30}, "0 s ago"),
    ],
)
def test_last_activity_is_told_as_long_ago(superuser, make_session, past, text):
    make_session(ended=True, ended_at=timezone.now() - timedelta(**past))
    cell = page(superuser, LIST_URL).split('<td class="field-last_activity">')[1].split("</td>")[0]
    assert text in cell


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_takes_as_many_queries_for_one_session_as_for_thirty(
    superuser, make_session, django_assert_num_queries, count
):
    for number in range(count):
        user = get_user_model().objects.create_user(f"user-{number}")
        other = Worker.objects.create(name=f"box:{number}:x", host="box", pid=number)
        beat(other, make_session(f"caller-{number}", user=user, worker=other))
    # Session and user of the reader; streams and end reasons for the filters; count; rows; workers.
    with django_assert_num_queries(7):
        superuser.get(LIST_URL)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by how many rows there are")
@pytest.mark.parametrize("query", ["", "state=ended", "end_reason=idle"])
def test_the_list_neither_sorts_nor_reads_all_sessions(superuser, query):
    with CaptureQueriesContext(connection) as captured:
        page(superuser, f"{LIST_URL}?{query}")
    asked = [query["sql"] for query in captured if 'FROM "rtc_session"' in query["sql"]]
    assert len(asked) == 4  # streams, end reasons, count, rows
    with connection.cursor() as cursor:
        for sql in asked:
            plan = [step for *_, step in cursor.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert not [step for step in plan if step == "SCAN rtc_session" or "TEMP B-TREE" in step], sql


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=live", {"one"}),
        ("state=ended", {"two"}),
        ("state=nonsense", {"one", "two"}),
        ("stream=tune", {"two"}),
        ("end_reason=idle", {"two"}),
        ("q=one", {"one"}),
        ("q=anna", {"two"}),
    ],
)
def test_filters_and_search(superuser, make_session, query, found):
    make_session("one")
    anna = get_user_model().objects.create_user("anna")
    make_session("two", ended=True, stream="tune", end_reason="idle", user=anna)
    response = superuser.get(f"{LIST_URL}?{query}")
    assert {session.session_id for session in response.context["cl"].result_list} == found


def test_the_search_is_for_the_name_that_users_log_in_with(superuser, make_session, monkeypatch):
    make_session("one", user=get_user_model().objects.create_user("anna", "eve@example.com"))
    make_session("two", user=get_user_model().objects.create_user("eve"))
    monkeypatch.setattr(get_user_model(), "USERNAME_FIELD", "email")
    response = superuser.get(f"{LIST_URL}?q=eve")
    assert [session.session_id for session in response.context["cl"].result_list] == ["one"]


# Workers


def test_workers_are_listed_with_their_state(superuser, worker, make_session):
    make_session()
    now = timezone.now()
    Worker.objects.create(name="lost", host="far", pid=2, last_beat_at=now - timedelta(hours=1))
    Worker.objects.create(name="reaped", host="far", pid=3, last_beat_at=now - timedelta(hours=1), ended_at=now)
    Worker.objects.create(name="done", host="far", pid=4, last_beat_at=now, ended_at=now)
    text = page(superuser, "/admin/rtc/worker/")
    for state, count in {"alive": 1, "lost": 2, "ended": 1}.items():
        assert text.count(f'<td class="field-worker_state">{state}</td>') == count
    assert '<td class="field-live_sessions">1</td>' in text
    change = reverse("admin:rtc_worker_change", args=[worker.pk])
    assert "box" in page(superuser, change)
    assert superuser.get("/admin/rtc/worker/add/").status_code == 403
    assert superuser.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_tickets_and_locks_are_nobodys_to_see(superuser):
    text = page(superuser, "/admin/rtc/")
    assert "ticket" not in text.lower()
    assert "lock" not in text.lower()


# Workers


def test_workers_are_listed_with_their_load(superuser, worker, make_session):
    make_session()
    Worker.objects.filter(pk=worker.pk).update(version="2.5", lag_ms=17.4, cpu_percent=41.6)
    text = page(superuser, WORKERS_URL)
    for shown in ("box", "2.5", "17 ms", "42 %", "alive"):
        assert shown in text
    text = page(superuser, f"{WORKERS_URL}{worker.pk}/change/")
    for shown in ("box:1:abc", "17 ms", "42 %", "alive"):
        assert shown in text


def test_pids_and_codes_are_no_numbers_to_be_grouped(superuser, make_session, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    worker = Worker.objects.create(name="box:70123:x", host="box", pid=70123)
    session = make_session(ended=True, close_code=4403)
    for url in (WORKERS_URL, f"{WORKERS_URL}{worker.pk}/change/"):
        assert "70123" in re.sub("<a .*?>|box:70123:x", "", text := page(superuser, url)) and "70,123" not in text
    assert "<dd>4403</dd>" in page(superuser, change_url(session))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "alive"),
        ({"draining_at": timezone.now()}, "draining"),
        ({"draining_at": timezone.now(), "ended_at": timezone.now()}, "ended"),
        ({"last_beat_at": timezone.now() - timedelta(hours=1)}, "lost"),
    ],
)
def test_the_state_of_a_worker(superuser, worker, fields, state):
    Worker.objects.filter(pk=worker.pk).update(**fields)
    assert f'<td class="field-worker_state">{state}</td>' in page(superuser, WORKERS_URL)
