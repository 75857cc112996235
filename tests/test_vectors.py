"""What client and server have to agree on: `tests/vectors` is read here and by the tests of the JavaScript modules."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import rtc
from rtc.core import messages
from rtc.core.audio import decode_mulaw, encode_mulaw

VECTORS = Path(__file__).parent / "vectors"
SOURCES = [path for path in Path(rtc.__file__).parent.rglob("*.py") if "testing" not in path.parts]
REASON = re.compile(r"""(?:Refused\(|BadTicket\(|reason=|_end\(|refuse\(|expel\()"(\w+)\"""")
CLOSE_CODE = re.compile(r"^[A-Z_]+ = (1000|4[45]\d\d)$", re.MULTILINE)
NOT_TOLD = {"client_gone"}  # there is nobody left to tell


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def test_mulaw_levels():
    assert decode_mulaw(bytes(range(256))).tolist() == vectors("mulaw")["levels"]


def test_mulaw_codes():
    samples, codes = zip(*vectors("mulaw")["encoded"], strict=True)
    assert tuple(encode_mulaw(np.array(samples, np.int16))) == codes


@pytest.mark.parametrize("vector", vectors("wire")["client"], ids=lambda vector: vector["name"])
def test_what_our_client_sends_is_understood(vector):
    assert messages.parse(json.dumps(vector["wire"])).to_wire() == vector["wire"]


def test_every_message_of_the_server_is_among_the_vectors():
    kinds = {"media", "mark", "pong", "clear", "started"}, {"send_input", "fetch_output", "log", "stopword"}
    kinds = kinds[0] | kinds[1] | {"warning", "error", "end", "failed"}
    wires = [vector["wire"] for vector in vectors("wire")["server"]]
    assert {wire.get("event") or wire.get("type") or wire["status"] for wire in wires} == kinds
    assert len(kinds) == len(messages.ServerMessage.__args__)


def test_every_reason_that_the_server_gives_is_among_the_vectors():
    given = {reason for path in SOURCES for reason in REASON.findall(path.read_text())}
    assert len(given) > 20
    assert given - NOT_TOLD <= set(vectors("endings")["reasons"])


def test_every_close_code_is_among_the_vectors():
    used = {int(code) for path in SOURCES for code in CLOSE_CODE.findall(path.read_text())}
    assert len(used) > 5
    assert used <= set(vectors("endings")["codes"])
