"""WebSocket frames by hand (RFC 6455), so that they can be wrong."""

import base64
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x00\x00\x00\x00"
"""A valid mask that leaves the payload as it is."""


def frame(
    opcode: int,
    payload: bytes,
    *,
    final: bool = True,
    masked: bool = True,
    reserved: int = 0,
    length: int | None = None,
) -> bytes:
    """`length`: what the header says, if not the truth."""
    size = len(payload) if length is None else length
    first = (0x80 if final else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if size < 126:
        header = struct.pack("!BB", first, mask_bit | size)
    elif size < 1 << 16:
        header = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        header = struct.pack("!BBQ", first, mask_bit | 127, size)
    return header + (MASK if masked else b"") + payload


KEY = base64.b64encode(b"sixteen  bytes  ")


def upgrade(path: bytes, *headers: bytes, key: bytes = KEY, version: bytes = b"13") -> bytes:
    lines = [
        b"GET " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + key,
        b"Sec-WebSocket-Version: " + version,
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"
