"""WebSocket frames of the load generator: 20 ms of mu-law at 24 kHz, each tagged with its number.

The tag is the first three mu-law bytes, six bits in each, all of them codes that any decoder and
encoder hands back unchanged. 480 bytes are 640 base64 characters with no padding, so several
frames joined to one message still start at multiples of 640.
"""

from __future__ import annotations

import binascii
import json
import os
import struct

SAMPLE_RATE = 24000
FRAME_S = 0.02
FRAME_SAMPLES = 480
FRAME_CHARACTERS = FRAME_SAMPLES // 3 * 4

TEXT = 0x1
CLOSE = 0x8
PING = 0x9
PONG = 0xA

_FINAL = 0x80
_MASKED = 0x80
_TAG_CHARACTERS = 4
_MESSAGE_START = b'{"event":"media","media":{"payload":"'
_MESSAGE_END = b'"}}'
# Codes 0x80 to 0xfe: the loud and the quiet positive half. 0x7f and 0xff both decode to zero.
_PAYLOAD = bytes(0x80 + (7 * index) % 0x7F for index in range(FRAME_SAMPLES))
_TAIL = binascii.b2a_base64(_PAYLOAD[3:], newline=False)


def tag(number: int) -> bytes:
    """Four base64 characters for a frame number below 2**18."""
    return binascii.b2a_base64(
        bytes((0x80 | number >> 12, 0x80 | number >> 6 & 0x3F, 0x80 | number & 0x3F)), newline=False
    )


def read_tag(characters: bytes) -> int:
    high, middle, low = binascii.a2b_base64(characters)
    return (high & 0x3F) << 12 | (middle & 0x3F) << 6 | low & 0x3F


def mask(payload: bytes, key: bytes) -> bytes:
    """RFC 6455, section 5.3."""
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return mixed.to_bytes(len(payload), "big")


def client_frame(opcode: int, payload: bytes, key: bytes | None = None) -> bytes:
    """One masked frame of at most 65535 bytes (RFC 6455, section 5.2)."""
    key = os.urandom(4) if key is None else key
    if len(payload) < 126:
        header = struct.pack("!BB", _FINAL | opcode, _MASKED | len(payload))
    else:
        header = struct.pack("!BBH", _FINAL | opcode, _MASKED | 126, len(payload))
    return header + key + mask(payload, key)


class MediaFrames:
    """Media messages of one session, masked once; only the tag is written anew for each."""

    def __init__(self) -> None:
        key = os.urandom(4)
        whole = client_frame(TEXT, _MESSAGE_START + b"AAAA" + _TAIL + _MESSAGE_END, key)
        tag_start = len(whole) - len(_MESSAGE_END) - len(_TAIL) - _TAG_CHARACTERS
        shift = len(_MESSAGE_START) % 4
        self._key = int.from_bytes(key[shift:] + key[:shift], "big")
        self._head = whole[:tag_start]
        self._tail = whole[tag_start + _TAG_CHARACTERS :]

    def frame(self, number: int) -> bytes:
        masked = int.from_bytes(tag(number), "big") ^ self._key
        return self._head + masked.to_bytes(_TAG_CHARACTERS, "big") + self._tail


def server_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """(opcode, payload) of each whole frame in data, and what is left of data after them."""
    frames = []
    position, size = 0, len(data)
    while size - position >= 2:
        length, start = data[position + 1], position + 2
        if length == 126:
            length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        elif length == 127:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        if start + length > size:
            break
        frames.append((data[position] & 0x0F, data[start : start + length]))
        position = start + length
    return frames, data[position:]


def echoed_numbers(message: bytes) -> list[tuple[int, bool]]:
    """(number, unchanged) of every frame in a message; empty when it is not a media message."""
    key = message.find(b'"payload"')
    if key < 0:
        return []
    start = message.find(b'"', key + 9) + 1
    end = message.find(b'"', start)
    return [
        (
            read_tag(message[offset : offset + _TAG_CHARACTERS]),
            message.startswith(_TAIL, offset + _TAG_CHARACTERS),
        )
        for offset in range(start, end, FRAME_CHARACTERS)
    ]


def start_message(session_id: str, *, media_format: bool, sample_rate: int = SAMPLE_RATE) -> bytes:
    message: dict[str, object] = {"event": "start", "websocket_id": session_id}
    if media_format:
        message["media_format"] = {
            "encoding": "mulaw",
            "sample_rate": sample_rate,
            "framing": "json",
        }
    return json.dumps(message).encode()
