"""The load generator: N sessions over plain sockets in one thread, no event loop.

asyncio and uvloop round timers to a millisecond, which would send the frames of 100 sessions
in bursts of five. Here select() on the epoll descriptor waits to the microsecond.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import time
from array import array
from collections import Counter
from collections.abc import Sequence

from benchmarks.frames import (
    CLOSE,
    FRAME_S,
    PING,
    PONG,
    TEXT,
    MediaFrames,
    client_frame,
    echoed_numbers,
    server_frames,
    start_message,
)

PATH = "/websocket/offer"
HANDSHAKE_TIMEOUT_S = 10.0
NEVER = -1.0


class Session:
    """One WebSocket connection. Nothing is compressed: the client offers no extension."""

    def __init__(self, port: int, path: str = PATH) -> None:
        self.media = MediaFrames()
        self.unsent = b""
        self.socket = socket.create_connection(("127.0.0.1", port), HANDSHAKE_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = self._handshake(port, path)
        self.socket.setblocking(False)

    def _handshake(self, port: int, path: str) -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            received = self.socket.recv(65536)
            if not received:
                raise ConnectionError(f"closed during the handshake: {answer!r}")
            answer += received
        head, _, rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"refused: {head!r}")
        return rest

    def send(self, frame: bytes) -> None:
        """Send, or keep what the socket does not take until the next call."""
        data = self.unsent + frame
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except (BrokenPipeError, ConnectionResetError):
            return  # reading will tell that it is closed
        self.unsent = data[sent:]

    def close(self) -> None:
        try:
            self.send(client_frame(TEXT, b'{"event":"stop"}'))
            self.send(client_frame(CLOSE, b"\x03\xe8"))
        except OSError:
            pass  # the server was first
        self.socket.close()


class Load:
    """Sends every session a frame each 20 ms, phases spread evenly, on one absolute schedule.

    Frame k of the schedule is number k // N of session k % N, due at start + k * 20 ms / N. The sessions take the ports
    in turn; `ids` are theirs.
    sent_at, answered_at and late_s have one entry for each (seconds; NEVER when it did not happen).
    """

    def __init__(self, ports: int | Sequence[int], session_count: int, *, media_format: bool, path: str = PATH) -> None:
        self.sent_at = array("d")
        self.answered_at = array("d")
        self.late_s = array("d")
        self.damaged = 0
        self.other_messages: Counter[str] = Counter()
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, tuple[int, Session]] = {}
        self.sessions: list[Session] = []
        self.ids: list[str] = []
        self._start = 0.0
        ports = [ports] if isinstance(ports, int) else ports
        for index in range(session_count):
            self._connect(Session(ports[index % len(ports)], path), index, media_format)

    def _connect(self, session: Session, index: int, media_format: bool) -> None:
        self.sessions.append(session)
        self._by_descriptor[session.socket.fileno()] = (index, session)
        self._epoll.register(session.socket.fileno(), select.EPOLLIN)
        self.ids.append(os.urandom(8).hex())
        session.send(client_frame(TEXT, start_message(self.ids[-1], media_format=media_format)))
        self.wait(0.0)

    def close(self) -> None:
        self._epoll.close()
        for session in self.sessions:
            session.close()

    def run(self, frame_count: int) -> None:
        """Send the next frame_count frames of every session, taking echoes meanwhile."""
        count = len(self.sessions)
        first, last = len(self.sent_at), len(self.sent_at) + frame_count * count
        self.answered_at.extend([NEVER] * (last - first))
        step_s = FRAME_S / count
        if not first:
            self._start = time.perf_counter() + FRAME_S
        for index in range(first, last):
            due = self._start + index * step_s
            self._receive_until(due)
            session = self.sessions[index % count]
            frame = session.media.frame(index // count)
            now = time.perf_counter()
            self.late_s.append(now - due)
            self.sent_at.append(now)
            session.send(frame)

    def drain(self, longest_s: float) -> None:
        """Take echoes until none is missing, or for longest_s at most."""
        end = time.perf_counter() + longest_s
        while NEVER in self.answered_at and time.perf_counter() < end:
            self.wait(0.05)
            for session in self.sessions:
                if session.unsent:
                    session.send(b"")

    def wait(self, duration_s: float) -> None:
        self._receive_until(time.perf_counter() + duration_s)

    def _receive_until(self, due: float) -> None:
        while True:
            for descriptor, _ in self._epoll.poll(0):
                self._receive(descriptor)
            left_s = due - time.perf_counter()
            if left_s <= 0:
                return
            select.select([self._epoll], [], [], left_s)

    def _receive(self, descriptor: int) -> None:
        index, session = self._by_descriptor[descriptor]
        try:
            received = session.socket.recv(262144)
        except ConnectionResetError:
            received = b""
        now = time.perf_counter()
        if not received:
            self._epoll.unregister(descriptor)
            self.other_messages["connection closed by the server"] += 1
            return
        frames, session.unread = server_frames(session.unread + received)
        for opcode, payload in frames:
            if opcode == TEXT:
                self._take(index, payload, now)
            elif opcode == PING:
                session.send(client_frame(PONG, payload))

    def _take(self, index: int, message: bytes, now: float) -> None:
        numbers = echoed_numbers(message)
        if not numbers:
            self.other_messages[_kind(message)] += 1
        for number, unchanged in numbers:
            position = number * len(self.sessions) + index
            if position < len(self.sent_at) and self.answered_at[position] == NEVER:
                self.answered_at[position] = now
            self.damaged += not unchanged


def _kind(message: bytes) -> str:
    """ "started", "error not_json", "end" and the like."""
    fields = json.loads(message)
    kind = fields.get("event") or fields.get("type") or fields.get("status")
    return f"{kind} {fields.get('code', '')}".strip()
