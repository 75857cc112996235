"""docs/protocol.md and docs/checks.md say what the code says."""

import json
import re
from pkgutil import resolve_name
from typing import get_args

import pytest

from rtc.checks.settings import NAMES
from rtc.core.formats import Encoding, Framing, MediaFormat
from rtc.core.messages import (
    Clear,
    ClientMessage,
    End,
    Error,
    Failed,
    FetchOutput,
    Log,
    Mark,
    Media,
    Pong,
    SendInput,
    ServerMessage,
    Started,
    StopWord,
    Warn,
    parse,
)
from tests import wire_words
from tests.blocks import ROOT, blocks_of

PROTOCOL = ROOT / "docs" / "protocol.md"
PCM = MediaFormat(encoding=Encoding.PCM_S16LE, sample_rate=16000, framing=Framing.BINARY)
SAMPLES = [
    Started(session_id="k3v9x2", media_format=PCM, output=PCM),
    Media(b"\x7f\x7f\x7f\x7f"),
    Mark(name="greeting"),
    Clear(),
    Pong(),
    SendInput(),
    FetchOutput(),
    Log(text="started_talking"),
    StopWord(),
    Warn(text="The line is bad."),
    Error(code="bad_json", text="the frame is not JSON"),
    Failed(reason="concurrency_limit_reached", limit=20),
    End(reason="client_stop"),
]
NEVER_SAID = {"done", "client_gone"}
"""What `Session` starts with, and what nobody is there to be told."""
ALSO_IN_RECORDS = {"client_gone"}


def lines_under(heading: str) -> list[str]:
    [block] = [block for block in blocks_of(PROTOCOL) if block.heading == heading]
    return block.text.splitlines()


def rows_under(heading: str) -> list[list[str]]:
    section = PROTOCOL.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows]


def words(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9_]+)`", text))


def test_each_message_of_a_client_is_there_and_can_be_read():
    parsed = [type(parse(line)) for line in lines_under("From the client")]
    assert len(parsed) == len(set(parsed))
    assert set(parsed) == set(get_args(ClientMessage))


def test_each_message_of_the_server_is_there_as_it_is_sent():
    assert {type(sample) for sample in SAMPLES} == set(get_args(ServerMessage))
    assert [json.loads(line) for line in lines_under("From the server")] == [sample.to_wire() for sample in SAMPLES]


def test_each_code_of_an_error_is_there():
    said = set().union(*(words(row[0]) for row in rows_under("Errors that a client causes")))
    assert said == wire_words.error_codes()


def test_each_reason_of_an_end_is_there():
    said = set().union(*(words(row[1]) for row in rows_under("Ends")))
    assert said == wire_words.end_reasons() - NEVER_SAID
    assert all(f"`{reason}`" in PROTOCOL.read_text() for reason in ALSO_IN_RECORDS)


def test_each_close_code_is_there():
    said = {int(row[0]) for row in rows_under("Ends") if row[0].isdigit()}
    assert said == wire_words.close_codes()


def test_each_answer_to_an_input_is_there():
    rows = [row for row in rows_under("Inputs") if row[0].isdigit()]
    assert {(int(status), code) for status, codes in rows for code in words(codes) - {"errors", "input_form"}} == (
        wire_words.refusals()
    )


def test_each_check_is_there():
    source = "".join(path.read_text() for path in (ROOT / "rtc" / "checks").glob("*.py"))
    in_code = set(re.findall(r'id="(rtc\.[EW]\d{3})"', source))
    in_table = re.findall(r"^\| `(rtc\.[EW]\d{3})` \|", (ROOT / "docs" / "checks.md").read_text(), re.MULTILINE)
    assert sorted(in_table) == in_table and set(in_table) == in_code and len(in_code) == len(in_table)


@pytest.mark.parametrize("page", ["protocol.md", "security.md", "handlers.md", "architecture.md", "porting.md"])
def test_settings_that_are_spoken_of_are_there(page):
    assert set(re.findall(r"RTC_[A-Z_]+", (ROOT / "docs" / page).read_text())) <= set(NAMES)


PAGES = (ROOT / "docs" / "pages.md").read_text()


def first_cells(heading: str) -> set[str]:
    table = PAGES.split(f"| {heading} |")[1].split("\n\n")[0]
    return {word for row in table.splitlines()[2:] for word in re.findall(r"`(\w+)", row.split("|")[1])}


def test_the_clients_methods_are_there():
    source = (ROOT / "rtc" / "static" / "rtc" / "client.js").read_text()
    methods = set(re.findall(r"^  (?:async )?(\w+)\(.*\) \{$", source, re.MULTILINE))
    assert len(first_cells("method")) == 9 and first_cells("method") <= methods


def test_the_clients_events_are_all_there():
    source = (ROOT / "rtc" / "static" / "rtc" / "client.js").read_text()
    assert first_cells("event") == set(re.findall(r'emit\("(\w+)"', source))


def test_the_widgets_blocks_are_there():
    source = (ROOT / "rtc" / "templates" / "rtc" / "voice_client.html").read_text()
    named = PAGES.split("override its blocks (")[1].split(")")[0]
    assert set(re.findall(r"`(\w+)`", named)) <= set(re.findall(r"{% block (\w+) %}", source))


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


def test_the_architecture_has_a_line_for_each_module_and_directory():
    modules = {path for folder in ("rtc", "rtc/core") for path in (ROOT / folder).glob("[!_]*.py")}
    there = {"rtc/__init__.py"} | {str(path.relative_to(ROOT)) for path in modules}
    there |= {f"rtc/{path.name}/" for path in (ROOT / "rtc").glob("[!_]*/") if path.name != "core"}
    assert sorted(re.findall(r"^\| `(rtc/[\w/.]+)` \| \S", ARCHITECTURE, re.MULTILINE)) == sorted(there)


def test_files_that_the_architecture_speaks_of_are_there():
    named = re.findall(r"`(?:rtc/)?([\w/]+\.py)`", ARCHITECTURE)
    assert [name for name in named if not any((ROOT / "rtc" / place / name).exists() for place in ("", "core"))] == []


MARKS = {"rtc.turn.begin", "rtc.turn.end"}


def is_there(name: str) -> bool:
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_what_docs_and_docstrings_name_in_full_is_there():
    files = [*(ROOT / "docs").glob("*.md"), *(ROOT / "rtc").rglob("*.py"), ROOT / "README.md"]
    named = {name for path in files for name in re.findall(r"`(rtc\.[a-z]\w*(?:\.\w+)*)`", path.read_text())}
    assert len(named) > 20 and [name for name in sorted(named - MARKS) if not is_there(name)] == []
