import json
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from websockets.asyncio.server import serve

from rtc.remote import Address, CallRefused, Heard, RemoteCall
from rtc.remote.pages import Event, PageRefused, _reason, parse_events, post_input, read_outputs

RATE = 8000


def piece(value: int, seconds: float) -> np.ndarray:
    return np.full(round(seconds * RATE), value, np.int16)


@pytest.mark.parametrize(
    ("root", "alias", "socket", "outputs"),
    [
        ("http://h:1/", "default", "ws://h:1/websocket/offer", "http://h:1/outputs?webrtc_id=a"),
        ("https://h/voice/", "tune", "wss://h/voice/tune/websocket/offer", "https://h/voice/outputs?webrtc_id=a"),
        ("http://h/voice", "default", "ws://h/voice/websocket/offer", "http://h/voice/outputs?webrtc_id=a"),
    ],
)
def test_addresses(root, alias, socket, outputs):
    address = Address(root, alias)
    assert (address.socket, address.page("outputs", webrtc_id="a", ticket="")) == (socket, outputs)
    assert address.page("input_hook") == outputs.partition("?")[0].replace("outputs", "input_hook")


@pytest.mark.parametrize(
    ("url", "alias", "root"),
    [
        ("http://h:1/voice/", "tune", "http://h:1/voice/"),
        ("ws://h:1/websocket/offer", "default", "http://h:1/"),
        ("wss://h/voice/websocket/offer", "default", "https://h/voice/"),
        ("wss://h/voice/tune/websocket/offer", "tune", "https://h/voice/"),
        ("ws://h/tune/websocket/offer", "tune", "http://h/"),
    ],
)
def test_the_address_of_a_socket_will_do(url, alias, root):
    address = Address.of(url, alias)
    assert address.page("outputs") == f"{root}outputs"
    assert url.startswith("http") or address.socket == url


@pytest.mark.parametrize("root", ["", "127.0.0.1:8000", "ws://h/", "ftp://h/", "/voice/", "http://:8000/"])
def test_an_address_needs_a_scheme_and_a_host(root):
    with pytest.raises(ValueError, match="no address such as"):
        Address(root)


@pytest.mark.parametrize("port", ["99999", "0", "-1", "http"])
def test_an_address_with_an_impossible_port_is_refused_before_the_call(port):
    with pytest.raises(ValueError, match=r"no address such as|[Pp]ort"):
        Address(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("url", ["", "h:1", "gopher://h/"])
def test_other_schemes_are_refused(url):
    with pytest.raises(ValueError, match="no address such as"):
        Address.of(url, "default")


def test_pieces_that_come_in_time_or_a_little_late_are_heard_end_to_end():
    heard = Heard(RATE)
    heard.add(piece(1, 0.02), 0.1)
    heard.add(piece(2, 0.02), 0.11)
    heard.add(piece(3, 0.02), 0.3)
    assert heard.samples.tolist() == [1] * 160 + [2] * 160 + [3] * 160


def test_a_silence_lasts_as_long_as_it_did():
    heard = Heard(RATE)
    heard.add(piece(1, 0.5), 0.0)
    heard.add(piece(2, 0.5), 2.0)
    assert heard.end_s == 2.5
    assert not heard.samples[RATE // 2 : 2 * RATE].any() and heard.samples[2 * RATE :].tolist() == [2] * (RATE // 2)


def test_what_is_cleared_is_not_heard():
    heard = Heard(RATE)
    heard.add(piece(1, 1.0), 0.0)
    heard.clear(0.25)
    heard.add(piece(2, 0.1), 0.3)
    assert heard.samples.tolist() == [1] * 2000 + [2] * 800
    heard.clear(9.0)
    assert heard.end_s == 0.35


def test_nothing_heard_is_an_empty_array_of_int16():
    assert Heard(RATE).samples.dtype == np.int16 and Heard(RATE).samples.size == 0


def test_events_of_a_stream():
    lines = [
        b": hello\n",
        b"\n",
        b"id: a:1\n",
        b"event: output\n",
        b"data: [1,\n",
        b"data: 2]\n",
        b"\n",
        b"data:x\r\n",
        b"\r\n",
    ]
    assert list(parse_events(lines)) == [Event("output", "[1,\n2]", "a:1"), Event("message", "x", "a:1")]


@asynccontextmanager
async def call_to(*messages: dict):
    """A call to a server that says these and hangs up, and what it reports."""

    async def answer(socket):
        await socket.recv()
        for message in messages:
            await socket.send(json.dumps(message))

    reports = []
    async with serve(answer, "127.0.0.1", 0) as server:
        address = Address(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        silence = np.zeros(0, np.int16)
        yield RemoteCall(address, silence, RATE, 0.1, report=lambda *report: reports.append(report)), reports


async def test_to_be_asked_for_more_input_than_there_is_is_no_problem():
    async with call_to({"event": "started"}, {"type": "send_input", "data": []}) as (call, reports):
        await call.run()
    assert ("note", "The stream asks for more input than there is.") in reports


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {
                "message": "No.",
                "errors": {
                    "days": [{"message": "Too many.", "code": "max"}],
                },
            },
            "No. days: Too many.",
        ),
        ({"message": "No."}, "No."),
        ({"message": "No.", "errors": ["odd"]}, "No."),
        ({"message": "No.", "errors": {"days": "odd", "city": ["odd"]}}, "No."),
        (["odd"], '["odd"]'),
    ],
)
def test_what_is_wrong_with_each_field_is_told(body, reason):
    assert _reason(json.dumps(body).encode()) == reason


@contextmanager
def page_that_is_moved():
    class Moved(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "/login/?next=/outputs")
            self.end_headers()

        def do_POST(self):
            self.do_GET()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Moved) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def test_a_login_in_place_of_a_page_is_no_answer():
    moved = "302: it is moved to /login/\\?next=/outputs"
    with page_that_is_moved() as url:
        with pytest.raises(PageRefused, match=moved):
            post_input(url, "a", ["Paris"])
        with pytest.raises(PageRefused, match=moved):
            read_outputs(url, print)


ERROR = {"type": "error", "data": "No."}
END = {"type": "end", "data": {"reason": "not_found", "message": "No."}}


@pytest.mark.parametrize(
    ("messages", "text", "reported"),
    [
        ([ERROR, END], "No.", []),
        ([{**ERROR, "data": "Why?"}, ERROR, END], "No.", [("problem", "Why?")]),
        ([ERROR], "it closed the socket", [("problem", "No.")]),
    ],
)
async def test_what_a_refusal_says_is_not_reported_besides(messages, text, reported):
    async with call_to(*messages) as (call, reports):
        with pytest.raises(CallRefused, match=f"the server refused the call: {text}"):
            await call.run()
    assert reports == reported
