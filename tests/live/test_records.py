import os
import re
import secrets
import subprocess
import sys

import httpx
import pytest

from tests.live.client import open_client
from tests.live.records import ended_row, row_in_state, session_rows
from tests.live.servers import ROOT, environment

pytestmark = pytest.mark.live

EXACT = "/exact/websocket/offer"
FORMAT = {"encoding": "pcm_s16le", "sample_rate": 16000, "framing": "binary"}
PASSWORD = "correct horse battery staple"


def new_id() -> str:
    return secrets.token_hex(8)


async def test_a_session_is_on_record_from_start_to_end(server):
    session_id = new_id()
    async with open_client(server.websocket_url(EXACT), user_agent_header="Probe/1 " + "x" * 500) as client:
        await client.start(session_id, media_format=FORMAT)
        await client.wait_for_message(event="started")
        row = await row_in_state(server.database, session_id, "active")
        assert (row["ended_at"], row["end_reason"]) == (None, "")
        await client.send_audio(bytes(640 * 25), 640)
        await client.socket.send("junk")
        await client.wait_for_audio(640 * 20)
        await client.stop()
        await client.wait_closed()
        frames_out = len(client.audio)

    row = await ended_row(server.database, session_id)
    expected = {
        "stream": "exact",
        "state": "ended",
        "end_reason": "client_stop",
        "close_code": 1000,
        "encoding": "pcm_s16le",
        "framing": "binary",
        "sample_rate": 16000,
        "rate_declared": 1,
        "frames_in": 25,
        "frames_out": frames_out,
        "frames_dropped": 0,
        "errors": 1,
        "client_address": "127.0.0.1",
        "user_id": None,
        "user_agent": ("Probe/1 " + "x" * 500)[:200],
    }
    row["client_address"] = str(row["client_address"])  # PostgreSQL has a type for it
    assert {name: row[name] for name in expected} == expected
    assert row["started_at"] < row["ended_at"]


async def test_a_client_that_vanishes_is_recorded_as_gone(server):
    session_id = new_id()
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.start(session_id, media_format=FORMAT)
        await client.wait_for_message(event="started")
        client.socket.transport.abort()
    row = await ended_row(server.database, session_id)
    assert (row["end_reason"], row["close_code"]) == ("client_gone", None)


async def test_a_client_that_leaves_before_start_leaves_no_record(server):
    before = len(session_rows(server.database))
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.send({"event": "ping"})
        await client.wait_for_message(event="pong")
    assert len(session_rows(server.database)) == before


async def test_the_admin_lists_sessions_and_changes_none(server):
    session_id = new_id()
    async with open_client(server.websocket_url(EXACT)) as client:
        await client.start(session_id, media_format=FORMAT)
        await client.wait_for_message(event="started")
        await client.stop()
        await client.wait_closed()
    row = await ended_row(server.database, session_id)
    make_superuser(server.database)

    with httpx.Client(base_url=server.http_url(""), follow_redirects=True) as browser:
        page = browser.get("/admin/login/?next=/admin/rtc/session/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/admin/rtc/session/"}
        listing = browser.post("/admin/login/", data=form)
        assert listing.status_code == 200
        assert session_id in listing.text and "client_stop" in listing.text
        detail = browser.get(f"/admin/rtc/session/{row['id']}/change/")
        assert detail.status_code == 200 and session_id in detail.text
        assert 'name="_save"' not in detail.text
        assert browser.get("/admin/rtc/session/add/").status_code == 403


def make_superuser(database) -> None:
    variables = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "PATH": os.environ["PATH"]}
    subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username=root", "--email=root@example.com"],
        cwd=ROOT,
        env=environment(database, "tests.live.settings", variables),
        check=True,
        stdout=subprocess.DEVNULL,
    )
