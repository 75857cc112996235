"""Handlers to test with, and audio that is easy to tell apart: every sample the same."""

import asyncio
import queue

import numpy as np

from rtc import AsyncStreamHandler, StreamHandler
from rtc.core.audio import encode_mulaw


def level(value, seconds, rate=24000):
    """An emission of constant audio."""
    return rate, np.full(round(rate * seconds), value, np.int16)


def seconds_of(value, mulaw, rate=24000):
    """How long a level lasts in what was heard."""
    return mulaw.count(encode_mulaw(np.array([value], np.int16))) / rate


class Scripted(AsyncStreamHandler):
    """Emits what it is given, then nothing. It serves one session, and notes its callbacks in `calls`."""

    def __init__(self, *emissions, **settings):
        super().__init__(**settings)
        self.emissions = list(emissions)
        self.calls = []
        self.frames = []

    def copy(self):
        return self

    async def start_up(self):
        self.calls.append("start_up")

    async def receive(self, frame):
        self.frames.append(frame)

    async def emit(self):
        if self.emissions:
            return self.emissions.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def shutdown(self):
        self.calls.append("shutdown")


class SyncScripted(StreamHandler):
    """The same in threads; once it has emitted all, `emit` returns None at once."""

    def __init__(self, *emissions, **settings):
        super().__init__(**settings)
        self.emissions = list(emissions)
        self.calls = []
        self.frames = []

    def copy(self):
        return self

    def start_up(self):
        self.calls.append("start_up")

    def receive(self, frame):
        self.frames.append(frame)

    def emit(self):
        return self.emissions.pop(0) if self.emissions else None

    def shutdown(self):
        self.calls.append("shutdown")


class Echo(AsyncStreamHandler):
    def __init__(self, rate=24000):
        super().__init__(input_sample_rate=rate, output_sample_rate=rate)
        self.frames = asyncio.Queue(1000)

    async def receive(self, frame):
        self.frames.put_nowait(frame)

    async def emit(self):
        return await self.frames.get()


class SyncEcho(StreamHandler):
    """As FastRTC documents it: `emit` blocks in `queue.get()`."""

    def __init__(self, rate=24000):
        super().__init__(input_sample_rate=rate, output_sample_rate=rate)
        self.frames = queue.Queue(1000)

    def receive(self, frame):
        self.frames.put(frame)

    def emit(self):
        return self.frames.get()
