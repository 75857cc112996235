"""Every code block of the documentation does what it says: Python runs, its streams are called, its tests pass."""

import importlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from django.core.management import get_commands, load_command_class
from django.template import RequestContext, Template
from django.template.loader import render_to_string

from rtc import ReplyOnPause, Stream
from rtc.checks.settings import check_settings
from rtc.management.commands.rtc_call import write_wav
from rtc.testing import CallResult, run_call
from rtc.testing.dialling import read_audio
from tests.blocks import ROOT, Block, blocks_of
from tests.browser.speech import speak
from tests.handler_threads import threads_left

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]
DONE_ELSEWHERE = {"shop/asgi.py", "shop/urls.py"}
"""Are followed to the letter in tests/packaging."""
NODE = Path(sys.executable).parent / "node"
CALL_S = 1.0
TURN_S = 12.0  # in virtual time; real time passes in it while models load
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["tool"]["setuptools"]["dynamic"]["optional-dependencies"]


def pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(block.language in languages for block in blocks_of(page))]


def blocks_in(page: Path, *languages: str) -> list[Block]:
    return [block for block in blocks_of(page) if block.language in languages]


@pytest.fixture(scope="module")
def hello(tmp_path_factory) -> Path:
    """Someone says something, in a WAV file."""
    rate, samples = speak("Good morning. I have a question.")
    path = tmp_path_factory.mktemp("speech") / "hello.wav"
    write_wav(path, rate, samples)
    return path


@pytest.fixture
def project(tmp_path, monkeypatch, settings, hello) -> Iterator[Path]:
    """A directory that the reader works in: an empty package `shop`, and a recording."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "hello.wav").symlink_to(hello)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may be written anew within a second
    monkeypatch.setenv("SECRET_KEY", "of-a-test")
    monkeypatch.setenv("DB_PASSWORD", "of-a-test")
    settings.RTC_SHOW_HANDLER_ERRORS = True
    settings.BASE_DIR = tmp_path
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.mark.parametrize("page", pages_with("python"), ids=lambda page: page.stem)
def test_python(page, project, settings):
    rate, samples = read_audio("hello.wav")
    at_hand = {"__name__": "block", "sample_rate": rate, "samples": samples}  # of loose lines, one after the other
    for block in blocks_in(page, "python"):
        with Place(block.place):
            follow(block, project, settings, at_hand)


class Place:
    """Has what goes wrong say where."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            error.add_note(f"in {self._place}")


def follow(block: Block, project: Path, settings, at_hand: dict) -> None:
    name, _ = block.file or ("", False)
    if name in DONE_ELSEWHERE:
        return
    if "from fastrtc import" in block.text:  # what the page is to lead away from
        compile(block.text, block.place, "exec")
        return
    if name == "shop/settings.py":
        take_settings(block, settings)
    elif name:
        (project / name).write_text(block.text)
        module = name.removesuffix(".py").replace("/", ".")
        use(vars(imported(module)), block.text, f"{module}.")
    else:
        exec(compile(block.text, block.place, "exec"), at_hand)
        use(at_hand, block.text)


def take_settings(block: Block, settings) -> None:
    names = {"RTC_STREAMS": {}, "INSTALLED_APPS": [], "DATABASES": {"default": {}}}
    exec(compile(block.text, block.place, "exec"), names)
    for name, value in names.items():
        if name.startswith("RTC_"):
            setattr(settings, name, value)
    assert check_settings(None) == [], block.place


def imported(name: str) -> ModuleType:
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def use(names: dict, text: str, prefix: str = "") -> None:
    """Call the streams that a block makes, and run its tests."""
    for name, value in list(names.items()):
        if isinstance(value, Stream) and f"\n{name} = " in text:
            expect(f"{prefix}{name}", call(value, f"{prefix}{name}"))
        elif name.startswith("test_") and f"def {name}(" in text:
            value()


def call(stream: Stream, name: str) -> CallResult:
    takes_turns = isinstance(stream.handler, ReplyOnPause)
    inputs = [INPUTS.get(name, ["Paris", 3])]
    return run_call(stream, "hello.wav", inputs=inputs, seconds=TURN_S if takes_turns else CALL_S)


def values(result: CallResult) -> list:
    return [value for _, value in result.outputs]


def level(result: CallResult) -> int:
    return int(np.abs(result.audio[1].astype(np.int32)).max(initial=0))


def loudest_of(directory: Path) -> int:
    [recording] = directory.glob("*.wav")
    return int(np.abs(read_audio(recording)[1].astype(np.int32)).max(initial=0))


INPUTS = {"shop.talk.stream": ["Oh: "]}
EXPECTED = {
    "helper": lambda result: {"type": "stopword", "data": ""} not in [message for _, message in result.messages],
    "parrot": lambda result: level(result) > 1000,
    "shop.echo.echo": lambda result: level(result) > 1000,
    "shop.chime.chimes": lambda result: level(result) > 5000,
    "shop.gate.gate": lambda result: level(result) > 1000,
    "shop.greeting.greeting": lambda result: (
        result.end_reason == "handler_closed" and values(result)[0]["hello"] == "nobody we know"
    ),
    "shop.counter.counter": lambda result: values(result) == [{"ordered": "Paris", "pieces": 3}],
    "shop.forecast.forecast": lambda result: values(result) == [{"city": "Paris", "sunny": [True, False, True]}],
    "shop.dictation.dictation": lambda result: loudest_of(Path("calls")) > 1000 and level(result) > 1000,
    "shop.reader.reader": lambda result: {"event": "clear"} in [message for _, message in result.messages],
    "shop.parrot.parrot": lambda result: values(result)[0]["heard_s"] > 1 and level(result) > 1000,
    "shop.assistant.assistant": lambda result: [value["role"] for value in values(result)][:2] == ["user", "assistant"],
    "shop.typist.typist": lambda result: values(result)[2][1] == {"role": "assistant", "content": "You said: Hello"},
    "shop.patience.patience": lambda result: result.messages[1][1] == {"type": "send_input", "data": []},
    "shop.patient.patient": lambda result: level(result) > 1000,
    "shop.talk.stream": lambda result: values(result)[0]["prefix"] == "Oh: " and values(result)[0]["samples"] > 24000,
}
"""What a call to each stream must come to, besides that nothing fails; the rest must be heard or put something out."""


def expect(name: str, result: CallResult) -> None:
    assert result.errors == [], name
    assert threads_left() == [], name
    check = EXPECTED.get(name, lambda result: level(result) > 0 or result.outputs)
    assert check(result), f"{name}: {result.outputs}, level {level(result)}, {result.end_reason}"


@pytest.mark.parametrize("page", pages_with("sh", ""), ids=lambda page: page.stem)
def test_commands(page):
    for block in blocks_in(page, "sh", ""):
        for line in block.text.splitlines():
            assert is_command(shlex.split(line, comments=True)), f"{block.place}: {line}"


def is_command(words: list[str]) -> bool:
    """Whether what we know of the command's arguments lets them pass."""
    match words:
        case ["make", *arguments]:
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            return all(word in targets for word in arguments if "=" not in word)
        case ["pip", "install", *packages]:
            named = re.findall(r"(?:fastrtc-django|checkout)\[([\w,-]+)\]", " ".join(packages))
            return {extra for group in named for extra in group.split(",")} <= set(EXTRAS)
        case ["python", "manage.py", name, *arguments]:
            command = load_command_class(get_commands()[name], name)
            command.create_parser("manage.py", name).parse_args(arguments)  # SystemExit, if they won't do
    return True


@pytest.mark.parametrize("page", pages_with("js", "javascript"), ids=lambda page: page.stem)
def test_javascript_can_be_parsed(page, tmp_path):
    for block in blocks_in(page, "js", "javascript"):
        module = tmp_path / "block.mjs"
        module.write_text(block.text)
        checked = subprocess.run([NODE, "--check", module], capture_output=True, text=True)
        assert checked.returncode == 0, f"{block.place}: {checked.stderr}"


@pytest.mark.parametrize("page", pages_with("json", "html", "toml"), ids=lambda page: page.stem)
def test_other_languages_can_be_read(page, rf, tmp_path, settings):
    for block in blocks_in(page, "json"):
        assert [json.loads(line) for line in block.text.splitlines()], block.place
    for block in blocks_in(page, "toml"):
        tomllib.loads(block.text)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    (tmp_path / "shop").mkdir()
    for block in blocks_in(page, "html"):
        if '{% extends "rtc/base.html"' in block.text:
            (tmp_path / "rtc").mkdir()
            (tmp_path / "rtc" / "base.html").write_text(block.text)
            assert "Our shop</a>" in render_to_string("rtc/stream_list.html"), block.place
        elif "{% extends" in block.text:
            (tmp_path / "shop" / "talk.html").write_text(block.text)
        else:
            rendered = Template(block.text).render(RequestContext(rf.get("/")))
            assert "<" in rendered, block.place


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


def test_each_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text()
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"({page.name})" not in index] == ["index.md"]


def test_each_expectation_has_its_stream():
    text = "".join(page.read_text() for page in PAGES)
    places = {
        name: f"# {'/'.join(name.split('.')[:2])}.py" if "." in name else f"\n{name} = Stream(" for name in EXPECTED
    }
    assert [name for name, place in places.items() if place not in text] == []
