import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from fastrtc_project import streams
from fastrtc_project.management.commands import demo_admin
from rtc import AdditionalOutputs
from rtc.context import SessionHandle

ROOT = Path(__file__).resolve().parents[1]
FRAME = np.full((1, 960), 1000, dtype=np.int16)  # 20 ms


@pytest.fixture
def password_file(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_admin, "PASSWORD_FILE", tmp_path / "password")
    return tmp_path / "password"


def run_demo_admin() -> str:
    output = io.StringIO()
    call_command("demo_admin", stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_demo_admin_is_made_once_and_told_again(password_file):
    first = run_demo_admin()
    admin = get_user_model().objects.get(username="admin")
    password = password_file.read_text().strip()
    assert admin.is_superuser and admin.check_password(password)
    assert password in first
    assert password_file.stat().st_mode & 0o777 == 0o600
    assert run_demo_admin() == first
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
def test_demo_admin_leaves_a_password_of_ones_own_alone(password_file):
    get_user_model().objects.create_superuser("admin", password="one of my own")
    assert "changepassword admin" in run_demo_admin()
    assert get_user_model().objects.get().check_password("one of my own")


def test_without_debug_a_secret_key_is_required():
    environment = {**os.environ, "DEBUG": "0", "SECRET_KEY": ""}
    code = "import fastrtc_project.settings"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "ImproperlyConfigured: Set SECRET_KEY" in result.stderr


@pytest.mark.parametrize(
    ("url", "option", "beside"),
    [
        ("sqlite:///some.sqlite3?timeout=5", ("timeout", 5), "transaction_mode"),
        ("postgres://voice@h/voice?connect_timeout=2", ("connect_timeout", 2), "tcp_user_timeout"),
    ],
)
def test_what_the_address_of_the_database_says_goes_before_what_the_project_would(url, option, beside):
    code = "import json, fastrtc_project.settings as s; print(json.dumps(s.DATABASES['default']['OPTIONS']))"
    environment = {**os.environ, "DATABASE_URL": url}
    output = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=environment)
    options = json.loads(output)
    assert option in options.items() and beside in options


def echo_with(unplayed_s):
    async def nothing(text):
        raise AssertionError("an echo sends no messages")

    handler = streams.EchoHandler()
    handler.bind(
        SessionHandle(
            id="a",
            stream="default",
            loop=asyncio.get_running_loop(),
            send_text=nothing,
            clear=lambda: None,
            place_mark=lambda mark: None,
            unplayed_s=unplayed_s,
        )
    )
    return handler


async def test_echo_drops_what_it_could_only_play_late():
    backlog_s = iter([0.0, 0.2, 0.5, 1.0, 0.3])
    handler = echo_with(lambda: next(backlog_s))
    for value in range(5):
        await handler.receive((48000, np.full((1, 960), value, dtype=np.int16)))
    assert [(await handler.emit())[1][0, 0] for _ in range(3)] == [0, 1, 4]


async def test_echo_tells_the_loudness_every_five_seconds_of_audio():
    handler = echo_with(lambda: 0.0)
    outputs = []
    for index in range(500):
        await handler.receive((48000, FRAME))
        match await handler.emit():
            case ((48000, _), AdditionalOutputs() as output):
                outputs.append((index, output.args))
    assert outputs == [(249, ({"loudness_dbfs": -30.3},)), (499, ({"loudness_dbfs": -30.3},))]


def test_loudness_of_silence_is_the_floor():
    assert streams.loudness_dbfs(np.zeros((1, 960), dtype=np.int16)) == streams.SILENCE_DBFS


def test_tune_is_clean():
    chunks = list(streams.play_tune())
    samples = np.concatenate([samples for _, samples in chunks])
    assert {rate for rate, _ in chunks} == {streams.TUNE_SAMPLE_RATE}
    assert samples.dtype == np.int16
    assert samples.size == pytest.approx(19.2 * streams.TUNE_SAMPLE_RATE)
    assert 8000 < np.abs(samples).max() < 20000
    assert all(abs(int(chunk[0])) + abs(int(chunk[-1])) < 200 for _, chunk in chunks)  # no click between notes


@pytest.mark.django_db
@pytest.mark.parametrize("installed", [True, False])
def test_the_list_of_streams_tells_how_to_get_the_assistant_where_it_is_missing(client, settings, installed):
    settings.ASSISTANT_INSTALLED = installed
    assert (b"make demo" in client.get("/").content) is not installed


def test_without_its_packages_there_is_no_assistant():
    code = (
        "import importlib.util as util, sys\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *args: None if name == 'hibari' else find(name, *args)\n"
        "from fastrtc_project import settings\n"
        "from rtc import get_tts_model\n"
        "print(sorted(settings.RTC_STREAMS), settings.ASSISTANT_INSTALLED)\n"
        "get_tts_model()"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout == "['default', 'tune'] False\n"
    assert 'pip install "fastrtc-django[tts]"' in result.stderr
