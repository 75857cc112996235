"""Hostile messages. All text is UTF-8, so that what reads it is ours and not the WebSocket library."""

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Any

MAX_AUDIO_BYTES = 64 * 1024

ODD_STRINGS = [
    "",
    " ",
    "\x00",
    "a\nb\r\n\x1b[31m",
    "\u202e\u200b\ufeff",
    "\U0001f399" * 3,
    "../../etc/passwd",
    "'; DROP TABLE rtc_session; --",
    "<script>alert(1)</script>",
    "%s%n{0}{self}",
    "x" * 64,
    "x" * 65,
    "x" * 5000,
    "\ud800",
    "null",
]
ODD_NUMBERS = [0, -1, 1, 7999, 48001, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, 1e308, -0.0, 1e-320, True, False]
ODD_LITERALS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "9" * 5000,
    "0x10",
    "01",
    "1.",
    "'a'",
    "nul",
    "\ufeff{}",
]
EVENTS = ["start", "media", "mark", "stop", "ping", "pong", "clear", "started", "connected", "dtmf", "__class__", ""]
ENCODINGS = ["mulaw", "pcm_s16le", "opus", "", "MULAW"]
FRAMINGS = ["json", "binary", "xml"]


def odd_value(rng: Random, depth: int = 3) -> Any:
    kind = rng.randrange(6 if depth else 4)
    if kind == 0:
        return rng.choice(ODD_STRINGS)
    if kind == 1:
        return rng.choice(ODD_NUMBERS)
    if kind == 2:
        return None
    if kind == 3:
        return rng.choice([[], {}, [[]], [{}], {"": ""}])
    if kind == 4:
        return [odd_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice([*ODD_STRINGS, "payload", "name"]): odd_value(rng, depth - 1) for _ in range(rng.randrange(4))}


def media(rng: Random) -> dict[str, Any]:
    audio = rng.randbytes(rng.choice([0, 1, 2, 3, 479, 480, 960, 2048]))
    return {"event": "media", "media": {"payload": base64.b64encode(audio).decode()}}


def media_format(rng: Random) -> dict[str, Any]:
    rate = rng.choice([8000, 16000, 22050, 24000, 44100, 48000])
    return {"encoding": rng.choice(ENCODINGS[:2]), "sample_rate": rate, "framing": rng.choice(FRAMINGS[:2])}


def start(rng: Random, session_id: str) -> dict[str, Any]:
    message: dict[str, Any] = {"event": "start", "websocket_id": session_id}
    if rng.random() < 0.7:
        message["media_format"] = media_format(rng)
    if rng.random() < 0.3:
        message["params"] = {"a": odd_value(rng)}
    return message


def valid(rng: Random, live_ids: list[str]) -> dict[str, Any]:
    return rng.choice(
        [
            media(rng),
            media(rng),
            {"event": "ping"},
            {"event": "mark", "mark": {"name": rng.choice(ODD_STRINGS) or "m"}},
            start(rng, rng.choice(live_ids)),
        ]
    )


# One kind of hostile text each -----------------------------------------------------------------------------------


def noise(rng: Random, live_ids: list[str]) -> str:
    return rng.randbytes(rng.randrange(200)).decode("latin-1")


def mutated(rng: Random, live_ids: list[str]) -> str:
    text = list(json.dumps(valid(rng, live_ids)))
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(text))
        text[place] = rng.choice(['"', "{", "}", "\\", ",", ":", "\x00", "\u00e9", "9", text[place] * 2, ""])
    return "".join(text)


def truncated(rng: Random, live_ids: list[str]) -> str:
    text = json.dumps(valid(rng, live_ids))
    return text[: rng.randrange(len(text))]


def repeated(rng: Random, live_ids: list[str]) -> str:
    return json.dumps(valid(rng, live_ids)) * 2


def wrong_types(rng: Random, live_ids: list[str]) -> str:
    message = valid(rng, live_ids)
    key = rng.choice([*message, "event", "media", "mark", "websocket_id", "params", "media_format"])
    message[key] = odd_value(rng)
    return json.dumps(message)


def wrong_format(rng: Random, live_ids: list[str]) -> str:
    declared = {
        "encoding": rng.choice([*ENCODINGS, odd_value(rng)]),
        "sample_rate": rng.choice(ODD_NUMBERS),
        "framing": rng.choice([*FRAMINGS, odd_value(rng)]),
    }
    return json.dumps({"event": "start", "websocket_id": rng.choice(live_ids), "media_format": declared})


def wrong_id(rng: Random, live_ids: list[str]) -> str:
    return json.dumps({"event": "start", "websocket_id": odd_value(rng)})


def wrong_base64(rng: Random, live_ids: list[str]) -> str:
    payload = rng.choice(["=", "A", "AA=A", "AAAA=", "AA==AA==", "-_-_", "A A=", "\u00e9\u00e9\u00e9\u00e9", "AAA\n"])
    return json.dumps({"event": "media", "media": {"payload": payload}})


def wrong_mark(rng: Random, live_ids: list[str]) -> str:
    name = rng.choice([*ODD_STRINGS, odd_value(rng), "m" * 129])
    return json.dumps({"event": "mark", "mark": rng.choice([{"name": name}, name, {}])})


def literal(rng: Random, live_ids: list[str]) -> str:
    odd = rng.choice(ODD_LITERALS)
    return rng.choice(
        [
            odd,
            f'{{"event":{odd}}}',
            f'{{"event":"start","websocket_id":"a","media_format":{{"sample_rate":{odd}}}}}',
            f'{{"event":"start","websocket_id":"a b","params":{{"x":{odd}}}}}',
            f'{{"event":"ping","extra":{odd}}}',
        ]
    )


def nested(rng: Random, live_ids: list[str]) -> str:
    depth = rng.choice([50, 990, 1100, 20_000])
    return rng.choice(
        [
            "[" * depth,
            "[" * depth + "]" * depth,
            '{"a":' * depth + "1" + "}" * depth,
            '{"event":"start","websocket_id":"n","params":{"a":' + "[" * depth + "]" * depth + "}}",
            '{"event":' + "[" * depth + "]" * depth + "}",
        ]
    )


def big_params(rng: Random, live_ids: list[str]) -> str:
    params = rng.choice([{"a": "x" * 5000}, {str(key): 0 for key in range(1000)}, [], "x", 5])
    return json.dumps({"event": "start", "websocket_id": "big-params", "params": params})


def twice_keyed(rng: Random, live_ids: list[str]) -> str:
    return f'{{"event":"ping","event":{json.dumps(odd_value(rng))},"event":"nothing"}}'


def scalar(rng: Random, live_ids: list[str]) -> str:
    return json.dumps(odd_value(rng))


def unknown_event(rng: Random, live_ids: list[str]) -> str:
    return json.dumps({"event": rng.choice([*EVENTS[5:], odd_value(rng)]), "type": "error"})


def escaped(rng: Random, live_ids: list[str]) -> str:
    return '{"event":"mark","mark":{"name":"\\ud800\\udc00\\udfff\\u0000\\b"},"\\ud800":1}'


HOSTILE: list[Callable[[Random, list[str]], str]] = [
    noise,
    mutated,
    truncated,
    repeated,
    wrong_types,
    wrong_format,
    wrong_id,
    wrong_base64,
    wrong_mark,
    literal,
    nested,
    big_params,
    twice_keyed,
    scalar,
    unknown_event,
    escaped,
]


def hostile_text(rng: Random, live_ids: list[str]) -> bytes:
    return rng.choice(HOSTILE)(rng, live_ids).encode("utf-8", "replace")
