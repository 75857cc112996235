"""One hostile connection each: what it sends, and how it leaves."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.fuzz.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame, upgrade
from tests.fuzz.messages import MAX_AUDIO_BYTES, hostile_text, start, valid

FRAMES_A_SOCKET = (12, 20)  # few enough for most of them to be read before too many errors end the session
STREAMS = [b"exact", b"default", b"blocking", b"sink", b"tune", b"interruptible", b"marking", b"single", b"goodbye"]
GOODBYE = frame(CLOSE, b"\x03\xe8")


@dataclass(slots=True)
class Attack:
    """What one client does: it sends the handshake and, once that is answered, the frames; then one of these endings.

    "abort": drops the connection. "close": says goodbye at once, and waits for the server to drop it.
    "linger": the same, after the answer to a ping. "await end": the same, after the server's last message.

    Args:
        frames: empty for a handshake that nothing follows.
        count: hostile frames and handshakes in it.
    """

    handshake: bytes
    frames: bytes
    count: int
    ending: Literal["abort", "close", "linger", "await end"]


def attack(number: int, seed: int, live_ids: list[str]) -> Attack:
    """The same for the same arguments."""
    rng = Random(f"{seed}/{number}")
    return rng.choices([broken_http, strange_handshake, refused, hostile_socket], weights=[3, 2, 1, 8])[0](
        rng, live_ids
    )


def _text(message: object) -> bytes:
    return frame(TEXT, json.dumps(message).encode())


def _fresh_id(rng: Random) -> str:
    return f"hostile-{rng.getrandbits(64):x}"


FLOOD_FRAMES = 25
FLOOD = _text("junk") * FLOOD_FRAMES
STOP = _text({"event": "stop"})
PINGED = _text({"event": "ping"})


# Handshakes ------------------------------------------------------------------------------------------------------

PATHS = [
    b"/",
    b"*",
    b"//",
    b"/websocket/offer?" + b"a=b&" * 500,
    b"/websocket/offer#x",
    b"/../../etc/passwd",
    b"/%2e%2e/%2e%2e/websocket/offer",
    b"/%00%0a%0d%1b/websocket/offer",
    b"/%ff%fe/websocket/offer",
    b"/%/websocket/offer",
    b"/\xc3\xa9\xff/websocket/offer",
    b"/no-such/websocket/offer",
    b"/" + b"a" * 5000 + b"/websocket/offer",
    b"http://evil.example/websocket/offer",
    b"/admin/websocket/offer",
    b"/exact/",
    b"/<script>/websocket/offer",
]
HEADERS = [
    b"Origin: https://evil.example",
    b"Origin: null",
    b"Origin: http://[",
    b"Origin: http://127.0.0.1:99999999",
    b"Origin: \xff\xfe",
    b"Origin: http://a\r\nOrigin: http://127.0.0.1",
    b"Host: evil.example",
    b"Host: ",
    b"Host: [::1",
    b"User-Agent: " + b"\xf0\x9f\x8e\x99" * 300,
    b"User-Agent: a\tb\x0bc\x7f",
    b"User-Agent: \x00",
    b"Cookie: sessionid=" + b"x" * 4000,
    b"Cookie: sessionid=\xff\x00; =; ;;; a",
    b"Cookie: sessionid=' OR 1=1 --",
    b"Sec-WebSocket-Protocol: \xff, , a" + b",b" * 100,
    b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",
    b"Content-Length: 99999999999",
    b"Content-Length: -1",
    b"Transfer-Encoding: chunked",
    b"X-Forwarded-For: \xff, 999.999.999.999",
    b"X" * 9000 + b": 1",
    b"No colon at all",
    b": no name",
    b" folded",
]


def broken_http(rng: Random, live_ids: list[str]) -> Attack:
    good = upgrade(b"/exact/websocket/offer")
    path = rng.choice(PATHS)
    data = rng.choice(
        [
            rng.randbytes(rng.randrange(1, 600)),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),
            good[: rng.randrange(1, len(good))],
            good.replace(b"\r\n", rng.choice([b"\n", b"\r", b"\r\n\r\n"])),
            good.replace(b"HTTP/1.1", rng.choice([b"HTTP/9.9", b"HTTP/1.0", b"", b"SPDY"])),
            good.replace(b"GET", rng.choice([b"POST", b"BREW", b"\x00", b"HEAD", b"CONNECT"])),
            upgrade(b"/exact/websocket/offer", key=rng.choice([b"", b"short", b"=" * 24, b"x" * 500])),
            upgrade(b"/exact/websocket/offer", version=rng.choice([b"", b"0", b"8", b"99", b"13, 8", b"x"])),
            b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            b"POST " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n" + rng.randbytes(10),
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * rng.choice([10, 600]) + b"\r\n",
        ]
    )
    return Attack(data, b"", 1, "abort")


def strange_handshake(rng: Random, live_ids: list[str]) -> Attack:
    path = rng.choice(PATHS) if rng.random() < 0.6 else b"/" + rng.choice(STREAMS) + b"/websocket/offer"
    headers = rng.sample(HEADERS, rng.randrange(1, 3))
    frames = _text(start(rng, _fresh_id(rng)))
    return Attack(upgrade(path, *headers), frames, 1, rng.choice(["close", "abort"]))


def refused(rng: Random, live_ids: list[str]) -> Attack:
    """Wants what somebody else has, and waits to be told."""
    path, session_id, *headers = rng.choice(
        [
            (b"/exact/websocket/offer", rng.choice(live_ids)),
            (b"/tune/websocket/offer", rng.choice(live_ids)),
            (b"/single/websocket/offer", _fresh_id(rng)),
            (b"/no-such/websocket/offer", _fresh_id(rng)),
            (b"/no/such/path", _fresh_id(rng)),
            (b"/exact/websocket/offer", _fresh_id(rng), b"Origin: https://evil.example"),
        ]
    )
    return Attack(upgrade(path, *headers), _text(start(rng, session_id)), 2, "await end")


# Frames ----------------------------------------------------------------------------------------------------------


def hostile_socket(rng: Random, live_ids: list[str]) -> Attack:
    frames = list(_frames(rng, live_ids))
    count = len(frames)
    started = rng.random()
    if started < 0.6:
        frames.insert(0, _text(start(rng, _fresh_id(rng))))
    elif started < 0.7:
        frames.insert(0, _text(start(rng, rng.choice(live_ids))))
        count += 1
    elif started < 0.9:
        frames.insert(rng.randrange(len(frames)), _text(start(rng, _fresh_id(rng))))
    return _with_an_end(rng, upgrade(b"/" + rng.choice(STREAMS) + b"/websocket/offer"), b"".join(frames), count)


def _with_an_end(rng: Random, handshake: bytes, frames: bytes, count: int) -> Attack:
    manner = rng.random()
    if manner < 0.05:  # frames before the server has agreed to them
        return Attack(handshake + frames, b"", 1, "abort")
    if manner < 0.2:
        return Attack(handshake, frames + rng.choice(UNFINISHED)(rng), count + 1, "abort")
    if manner < 0.3:
        return Attack(handshake, frames, count, "close")
    if manner < 0.5:
        return Attack(handshake, frames + PINGED, count, "linger")
    if manner < 0.65:
        return Attack(handshake, frames + rng.choice(FATAL_TO_THE_LIBRARY)(rng), count + 1, "close")
    last, more = rng.choice([(STOP, 0), (FLOOD, FLOOD_FRAMES), (rng.choice(TOO_BIG)(rng), 1)])
    return Attack(handshake, frames + last, count + more, "await end")


def _frames(rng: Random, live_ids: list[str]) -> Iterator[bytes]:
    for _ in range(rng.randint(*FRAMES_A_SOCKET)):
        kind = rng.random()
        if kind < 0.7:
            yield frame(TEXT, hostile_text(rng, live_ids))
        elif kind < 0.8:
            yield frame(BINARY, rng.randbytes(rng.choice([0, 1, 480, 481, 5000])))
        elif kind < 0.9:
            yield _fragmented(rng, live_ids)
        elif kind < 0.93:
            yield frame(rng.choice([PING, PONG]), rng.randbytes(rng.randrange(125))) * rng.choice([1, 1, 100])
        elif kind < 0.95:
            yield _text({"event": "ping"}) * 50
        else:
            yield _text(valid(rng, live_ids))


def _fragmented(rng: Random, live_ids: list[str]) -> bytes:
    payload = hostile_text(rng, live_ids)
    cut = rng.randrange(len(payload) + 1)
    between = frame(PING, b"between") if rng.random() < 0.5 else b""
    return (
        frame(TEXT, payload[:cut], final=False)
        + between
        + frame(CONTINUATION, b"", final=False) * rng.randrange(3)
        + frame(CONTINUATION, payload[cut:])
    )


FATAL_TO_THE_LIBRARY: list[Callable[[Random], bytes]] = [
    lambda rng: frame(TEXT, rng.choice([b"\xff", b"\xc3(", b"\xed\xa0\x80", b'{"event":"\xf8"}', b"\xf0\x9f"])),
    lambda rng: frame(TEXT, b'{"event":"ping"}', masked=False),
    lambda rng: frame(rng.choice([3, 4, 7, 11, 15]), b"x"),
    lambda rng: frame(TEXT, b"x", reserved=rng.randrange(1, 8)),
    lambda rng: frame(CONTINUATION, b"x"),
    lambda rng: frame(TEXT, b"x", final=False) + frame(TEXT, b"y"),
    lambda rng: frame(PING, bytes(126)),
    lambda rng: frame(PING, b"x", final=False),
    lambda rng: frame(TEXT, b"x" * 10, length=rng.choice([5, 1 << 40, 1 << 63])),
    lambda rng: frame(CLOSE, rng.choice([b"\x00", b"\x03\xe8\xff\xff", b"\x00\x00", b"\xff\xff", bytes(125)])),
    lambda rng: frame(rng.choice([TEXT, BINARY]), bytes((1 << 20) + 1)),
    lambda rng: rng.randbytes(rng.randrange(1, 300)),
    lambda rng: b"GET / HTTP/1.1\r\n\r\n",
]
TOO_BIG: list[Callable[[Random], bytes]] = [
    lambda rng: frame(BINARY, bytes(MAX_AUDIO_BYTES + 1)),
    lambda rng: frame(TEXT, b"[" * 136_000),
    lambda rng: frame(TEXT, b'{"event":"media","media":{"payload":"' + b"A" * 90_000 + b'"}}'),
    lambda rng: frame(rng.choice([TEXT, BINARY]), bytes(rng.choice([1 << 20, (1 << 20) - 1]))),
]
UNFINISHED: list[Callable[[Random], bytes]] = [
    lambda rng: b"",
    lambda rng: frame(TEXT, b"x" * 10, length=rng.choice([11, 1000, 60_000])),
    lambda rng: frame(TEXT, b'{"event":', final=False),
    lambda rng: frame(BINARY, bytes(500))[: rng.randrange(1, 9)],
]
