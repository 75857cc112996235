"""The connection guide: each of its examples is run as it stands, against the stream whose page it is on."""

import html
import json
import os
import re
import subprocess
import sys
import urllib.request
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.browser.waiting import wait_until
from tests.live.servers import ROOT
from tests.live.tones import sine

pytestmark = pytest.mark.live

EXAMPLE = re.compile(r'data-example="([^"]+)".*?<code>(.*?)</code>', re.DOTALL)
RATE = 16000
SAID_S = 1.0
COUNT_SOUNDS = """
    window.sounds = 0;
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (when) { window.sounds += 1; start.call(this, when); };
"""


@pytest.fixture(scope="module")
def examples(server) -> Callable[[str], dict[str, str]]:
    def examples(alias: str) -> dict[str, str]:
        with urllib.request.urlopen(server.http_url(f"/{alias}/docs")) as response:
            return {name: html.unescape(code) for name, code in EXAMPLE.findall(response.read().decode())}

    return examples


@pytest.fixture
def try_out(open_page) -> Callable[[str], Page]:
    """Opens a page of the server that holds nothing but the example; what it logs is in `page.said`."""

    def try_out(body: str) -> Page:
        page = open_page("/")
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.add_init_script(COUNT_SOUNDS)
        page.goto(urljoin(page.url, f"/scratch/?{urlencode({'body': body})}"))
        return page

    return try_out


def script(code: str) -> str:
    return f'<button>Go</button><script type="module">{code}</script>'


@pytest.mark.parametrize(("alias", "state"), [("default", "speaking"), ("tune", "speaking")])
def test_the_client_of_this_server(examples, try_out, alias, state):
    page = try_out(examples(alias)["client-module"])
    page.get_by_role("button", name="Talk").click()
    expect(page.locator("#state")).to_have_text(re.compile(state))
    page.get_by_role("button", name="Talk").click()
    expect(page.locator("#state")).to_have_text("ended You ended the call.")
    assert page.problems == []


@pytest.mark.parametrize("alias", ["default", "tune"])
def test_nothing_but_the_browser(examples, try_out, alias):
    page = try_out(script(examples(alias)["plain-javascript"]))
    page.get_by_role("button", name="Go").click()
    wait_until(page, "window.sounds > 10")
    page.evaluate("window.call.socket.send(JSON.stringify({ event: 'stop' }))")
    wait_until(page, "window.call.socket.readyState === WebSocket.CLOSED")
    assert page.problems == []


def run(command: list[str] | str, directory: Path, **variables: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables}
    shell = isinstance(command, str)
    result = subprocess.run(
        command, shell=shell, cwd=directory, env=environment, capture_output=True, text=True, timeout=30
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def write_question(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sine(440, SAID_S, RATE).tobytes())


def loud_s(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        frame = file.getframerate() // 100
    loudness = np.sqrt(np.mean(samples[: samples.size // frame * frame].reshape(-1, frame) ** 2, axis=1))
    return float((loudness > 1000).sum()) / 100


def test_python(examples, tmp_path):
    (tmp_path / "call.py").write_text(examples("default")["python"])
    write_question(tmp_path / "question.wav")
    printed = run([sys.executable, "call.py", "question.wav", "answer.wav"], tmp_path)
    assert '"event": "started"' in printed and '"reason": "client_stop"' in printed
    assert loud_s(tmp_path / "answer.wav") == pytest.approx(SAID_S, abs=0.15)


def test_python_of_a_stream_that_only_plays(examples):
    code = examples("tune")["python"]
    compile(code, "call.py", "exec")
    assert "async def call(answer):" in code


@pytest.fixture
def asked_id(examples, server) -> Iterator[str]:
    """The id of a call to the stream that asks for input, made with the `start` of the guide."""
    session_id = os.urandom(8).hex()
    with connect(server.websocket_url("/asking/websocket/offer")) as socket:
        socket.send(json.dumps({**json.loads(examples("asking")["start"]), "websocket_id": session_id}))
        while json.loads(socket.recv(10)).get("type") != "send_input":
            pass
        yield session_id
        socket.send(json.dumps({"event": "stop"}))


def test_curl(examples, asked_id, tmp_path):
    found = examples("asking")
    answer = run(found["curl-input"].replace("curl ", "curl --silent --fail ", 1), tmp_path, ID=asked_id)
    assert json.loads(answer) == {"status": "ok"}
    outputs = found["curl-outputs"].replace("curl ", "curl --silent ", 1)
    assert 'data: {"inputs": ["your input"]}' in run(f"{outputs} | head --lines=12", tmp_path, ID=asked_id)


def test_inputs_and_outputs_in_javascript(examples, asked_id, try_out):
    found = examples("asking")
    page = try_out(script(f"const sessionId = {json.dumps(asked_id)}; {found['outputs']}; {found['inputs']}"))
    wait_until(page, lambda: [text for text in page.said if "inputs" in text])
    assert page.problems == []


def test_the_command(examples, server, tmp_path):
    write_question(tmp_path / "question.wav")
    command = examples("default")["rtc-call"].replace("manage.py", str(ROOT / "manage.py"))
    run(command, tmp_path, DATABASE_URL=f"sqlite:///{server.database}")
    assert loud_s(tmp_path / "answer.wav") == pytest.approx(SAID_S, abs=0.15)
