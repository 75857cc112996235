"""N callers in real time: each speaks its track in frames, and notes when audio comes back."""

from __future__ import annotations

import binascii
import json
import os
import select
import time
from array import array
from dataclasses import dataclass, field

import numpy as np

from benchmarks.client import Session
from benchmarks.frames import PING, PONG, TEXT, client_frame, server_frames, start_message
from benchmarks.turns.speech import SAMPLE_RATE, Samples, noise
from rtc.core.audio import encode_mulaw

STAGGER_S = 4.0
_KEY = b"\x37\xfa\x21\x3d"
_SILENCE_DBFS = -65.0
_TAG_AT = 80  # base64 characters into the payload, past what a clipped first frame could touch


@dataclass(slots=True)
class Caller:
    """One session. Times are time.perf_counter's.

    Args:
        starts_frames: how many frames of noise it sends before its track.
        heard_at, heard: when each audio message came, and a byte of it, which tells the reply it is of.
        messages: when each other message came, and what it was: "log pause_detected", "clear" and the like.
    """

    session: Session
    frames: list[bytes]
    starts_frames: int
    first_sample_at: float = 0.0
    heard_at: array[float] = field(default_factory=lambda: array("d"))
    heard: bytearray = field(default_factory=bytearray)
    messages: list[tuple[float, str]] = field(default_factory=list)

    def frame(self, number: int, silence: list[bytes]) -> bytes:
        place = number - self.starts_frames
        return self.frames[place] if 0 <= place < len(self.frames) else silence[number % len(silence)]


class Callers:
    """Connect one caller for each of the tracks, given as the frames that `frames_of` makes.

    The tracks begin STAGGER_S apart at most, spread evenly, and so do the frames within their duration.
    """

    def __init__(
        self, port: int, path: str, tracks: list[list[bytes]], *, frame_samples: int, media_format: bool
    ) -> None:
        self.late_s = array("d")
        self._frame_s = frame_samples / SAMPLE_RATE
        self._silence = frames_of(noise(SAMPLE_RATE, _SILENCE_DBFS, seed=99), frame_samples)
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, Caller] = {}
        self.callers: list[Caller] = []
        stagger_frames = round(STAGGER_S / self._frame_s) if len(tracks) > 1 else 0
        for index, track in enumerate(tracks):
            session = Session(port, path)
            caller = Caller(session, track, index * stagger_frames // len(tracks))
            self.callers.append(caller)
            self._by_descriptor[session.socket.fileno()] = caller
            self._epoll.register(session.socket.fileno(), select.EPOLLIN)
            start = start_message(os.urandom(8).hex(), media_format=media_format, sample_rate=SAMPLE_RATE)
            session.send(client_frame(TEXT, start))
            self._receive_until(0.0)

    def run(self) -> None:
        """Send all tracks, with noise before and after, until the last of them is over.

        A frame is sent when the last of its samples would have been recorded.
        """
        count = len(self.callers)
        frame_count = max(caller.starts_frames + len(caller.frames) for caller in self.callers)
        step_s = self._frame_s / count
        begin = time.perf_counter() + self._frame_s
        for index, caller in enumerate(self.callers):
            caller.first_sample_at = begin + index * step_s + (caller.starts_frames - 1) * self._frame_s
        for place in range(frame_count * count):
            due = begin + place * step_s
            self._receive_until(due)
            number, index = divmod(place, count)
            caller = self.callers[index]
            self.late_s.append(time.perf_counter() - due)
            caller.session.send(caller.frame(number, self._silence))

    def wait(self, duration_s: float) -> None:
        self._receive_until(time.perf_counter() + duration_s)

    def close(self) -> None:
        self._epoll.close()
        for caller in self.callers:
            caller.session.close()

    def _receive_until(self, due: float) -> None:
        while True:
            for descriptor, _ in self._epoll.poll(0):
                self._receive(descriptor)
            left_s = due - time.perf_counter()
            if left_s <= 0:
                return
            select.select([self._epoll], [], [], left_s)

    def _receive(self, descriptor: int) -> None:
        caller = self._by_descriptor[descriptor]
        try:
            received = caller.session.socket.recv(262144)
        except ConnectionResetError:
            received = b""
        now = time.perf_counter()
        if not received:
            self._epoll.unregister(descriptor)
            caller.messages.append((now, "connection closed by the server"))
            return
        frames, caller.session.unread = server_frames(caller.session.unread + received)
        for opcode, payload in frames:
            if opcode == TEXT:
                _take(caller, payload, now)
            elif opcode == PING:
                caller.session.send(client_frame(PONG, payload))


def _take(caller: Caller, message: bytes, now: float) -> None:
    key = message.find(b'"payload"')
    if key < 0:
        caller.messages.append((now, _kind(message)))
        return
    start = message.find(b'"', key + 9) + 1
    caller.heard_at.append(now)
    caller.heard.append(binascii.a2b_base64(message[start + _TAG_AT : start + _TAG_AT + 4])[0])


def _kind(message: bytes) -> str:
    fields = json.loads(message)
    if fields.get("type") == "log":
        return f"log {fields.get('data')}"
    return str(fields.get("event") or fields.get("type") or fields.get("status"))


def frames_of(samples: Samples, frame_samples: int) -> list[bytes]:
    """WebSocket frames of so many mu-law samples each, masked once for all who send them; the last is filled up."""
    payload = encode_mulaw(np.pad(samples, (0, -samples.size % frame_samples)).astype("float32"))
    return [
        client_frame(
            TEXT,
            b'{"event":"media","media":{"payload":"%s"}}'
            % binascii.b2a_base64(payload[start : start + frame_samples], newline=False),
            _KEY,
        )
        for start in range(0, len(payload), frame_samples)
    ]
