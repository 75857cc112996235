"""`manage.py rtc_call` against a running server, the way a shell calls it."""

import io
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from rtc import remote
from rtc.management.commands import rtc_call
from rtc.management.commands.rtc_call import write_wav
from rtc.testing.dialling import read_audio
from rtc.tickets import make_ticket
from tests.live.people import make_people
from tests.live.servers import ROOT
from tests.live.tones import frequency_of, sine

pytestmark = pytest.mark.live

RATE = 16000
TONE_HZ = 440.0


@pytest.fixture
def said(tmp_path):
    write_wav(tmp_path / "said.wav", RATE, sine(TONE_HZ, 0.6, RATE))
    return tmp_path / "said.wav"


class NoPage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *args):
        pass


@pytest.fixture
def http_server():
    with HTTPServer(("127.0.0.1", 0), NoPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def dial(server, alias, *args, path: str = "/", stderr: io.StringIO | None = None) -> None:
    """Raises: CommandError."""
    streams = {"stdout": io.StringIO(), "stderr": stderr or io.StringIO()}
    call_command("rtc_call", alias, *map(str, args), url=server.http_url(path), **streams)


def test_what_is_heard_is_written_to_a_file(daphne_server, said, tmp_path):
    answer = tmp_path / "answer.wav"
    command = [sys.executable, "manage.py", "rtc_call", "exact", said, "--seconds", "1", "--output", answer]
    done = subprocess.run(
        [*command, "--url", daphne_server.http_url()], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"Heard \d+\.\d s, peak [34]\d%", done.stderr)
    rate, heard = read_audio(answer)
    assert rate == RATE
    assert frequency_of(heard[RATE // 10 : RATE // 2], RATE) == pytest.approx(TONE_HZ, rel=0.005)
    assert np.abs(heard[-RATE // 10 :]).max() < 100  # the silence after it


def test_a_session_that_the_server_ends_is_heard_to_its_end(daphne_server, tmp_path):
    answer = tmp_path / "answer.wav"
    dial(daphne_server, "goodbye", "--seconds", 20, "--output", answer)
    assert 0 < read_audio(answer)[1].size / 24000 < 20


def test_a_handler_that_fails_is_told(daphne_server):
    with pytest.raises(CommandError, match="The call ended: handler_failed"):
        dial(daphne_server, "broken", "--seconds", 5, "--params", '{"callback": "receive"}')


def test_a_stream_that_is_not_there_is_told(daphne_server, said):
    with pytest.raises(CommandError, match="refused the call: There is no stream 'nothing'"):
        dial(daphne_server, "nothing", said)


@pytest.mark.parametrize(
    ("path", "words"),
    [("/voice/", "There is no stream 'voice'."), ("/our/voice/", "There is no WebSocket at this address.")],
)
def test_a_wrong_prefix_is_told_once_and_with_a_hint(daphne_server, path, words):
    stderr = io.StringIO()
    with pytest.raises(CommandError, match=f"{words}\nIs the prefix right in ws://.*{path}websocket/offer"):
        dial(daphne_server, "default", path=path, stderr=stderr)
    assert words not in stderr.getvalue()


def test_a_page_in_place_of_the_socket_is_told_with_a_hint(http_server):
    with pytest.raises(CommandError, match=r"HTTP 404\nIs the prefix right in ws://.*/websocket/offer"):
        call_command("rtc_call", "default", url=http_server)


def test_where_to_write_is_tried_before_the_call(tmp_path):
    output = tmp_path / "missing" / "answer.wav"
    with pytest.raises(CommandError, match="answer.wav can't be written: No such file"):
        call_command("rtc_call", "default", output=output, url="http://127.0.0.1:1/")


@pytest.mark.parametrize("before", [None, b"an answer of before"])
def test_a_call_that_hears_nothing_writes_nothing(tmp_path, before):
    output = tmp_path / "answer.wav"
    if before is not None:
        output.write_bytes(before)
    with pytest.raises(CommandError, match="No call to"):
        call_command("rtc_call", "default", output=output, url="http://127.0.0.1:1/")
    assert (output.read_bytes() if output.exists() else None) == before


def test_a_link_to_where_nothing_is_yet_stays(tmp_path):
    output = tmp_path / "link.wav"
    output.symlink_to(tmp_path / "answer.wav")
    with pytest.raises(CommandError, match="No call to"):
        call_command("rtc_call", "default", output=output, url="http://127.0.0.1:1/")
    assert output.is_symlink() and not output.exists()


def test_a_user_is_let_in_by_a_ticket_and_reads_the_outputs(start_server):
    settings = "tests.live.hook_settings"
    server = start_server(settings=settings)
    make_people(server, settings)
    with pytest.raises(CommandError, match="refused the call: not_logged_in\n--user NAME calls as a user."):
        dial(server, "members")
    command = [sys.executable, "manage.py", "rtc_call", "members", "--user", "ann", "--seconds", "1"]
    done = subprocess.run(
        [*command, "--url", server.http_url()], cwd=ROOT, env=server.environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, '"hello"\n'), done.stderr


def test_of_a_ticket_of_another_key_its_cause_is_told(daphne_server, settings, monkeypatch):
    settings.SECRET_KEY = "another server's"
    monkeypatch.setattr(rtc_call, "_ticket", lambda alias, name: make_ticket(alias))
    with pytest.raises(CommandError, match="refused the call: ticket_invalid\nThe server must have the SECRET_KEY"):
        dial(daphne_server, "default")


def test_a_server_that_is_not_there_is_told(said):
    with pytest.raises(CommandError, match="(?s)No call to ws://127.0.0.1:1/websocket/offer.*\nIs the server running"):
        call_command("rtc_call", "default", said, url="http://127.0.0.1:1/")


def test_a_host_of_two_addresses_that_is_not_there_is_told(monkeypatch):
    addresses = [("127.0.0.1", 1), ("127.0.0.2", 1)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(CommandError, match="(?s)Multiple exceptions: .*\nIs the server running"):
        call_command("rtc_call", "default", url="http://localhost:1/")


def test_what_fails_in_the_call_is_no_server_that_is_not_there(daphne_server, monkeypatch):
    def fail(call):
        raise OSError("the pipe is broken")

    monkeypatch.setattr(remote.RemoteCall, "_start", fail)
    with pytest.raises(CommandError, match="No call to .*: the pipe is broken$"):
        dial(daphne_server, "default")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("concurrency_limit_reached", "the stream's concurrency_limit"),
        ("user_limit_reached", "RTC_USER_CONCURRENCY_LIMIT"),
        ("server_limit_reached", "RTC_CONCURRENCY_LIMIT"),
        ("not_allowed", "--user NAME"),
        ("ticket_expired", "clocks"),
        ("worker_lost", "Call again"),
    ],
)
def test_a_refusal_comes_with_what_to_do(monkeypatch, reason, words):
    async def refused(call):
        raise remote.CallRefused(reason)

    monkeypatch.setattr(remote.RemoteCall, "run", refused)
    with pytest.raises(CommandError, match=f"refused the call: {reason}\n.*{words}"):
        call_command("rtc_call", "default", url="http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["no-such.wav"], "can't be read"),
        ([__file__], "can't be read"),
        (["--input", "{"], "is not JSON"),
        (["--params", "[]"], "no JSON object"),
        (["--seconds", "0"], "more than 0 s"),
        (["--seconds", "soon"], "no number"),
        (["--url", "127.0.0.1:8000"], "no address such as"),
    ],
)
def test_bad_arguments_are_told(args, words):
    with pytest.raises(CommandError, match=words):
        call_command("rtc_call", "default", *args)
