"""Audio on its way from the handler to the socket: a bounded queue, cut, paced and encoded."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import numpy as np

from rtc.conversion import Conversion, Samples
from rtc.core.audio import encode_mulaw, encode_pcm16
from rtc.core.formats import Encoding
from rtc.core.messages import Clear, Mark
from rtc.core.pacing import TIMER_RESOLUTION_S, Pacer
from rtc.levels import LoudestFrame
from rtc.playout_format import PlayoutFormat
from rtc.wakeup import Wakeup

SLICE_S = 0.25
"""Longer audio is resampled so much at a time: that takes a millisecond or two, in which the loop does nothing else."""


class Playout:
    """Sends audio no more than the lead before it is due.

    One task writes, `run` sends. While more than `limit_s` seconds wait, `write` waits too: that is how a handler
    that is faster than real time is held.

    Args:
        send_audio: sends one payload.
        send_control: sends a mark or a clear, in its place between two payloads.
    """

    def __init__(
        self,
        form: PlayoutFormat,
        limit_s: float,
        *,
        send_audio: Callable[[bytes], Awaitable[None]],
        send_control: Callable[[Mark | Clear], Awaitable[None]],
    ) -> None:
        self._send_audio = send_audio
        self._send_control = send_control
        self._encode = encode_mulaw if form.encoding is Encoding.MULAW else encode_pcm16
        self._rate = form.sample_rate
        self._piece_samples = form.piece_samples
        self._quantum_samples = form.quantum_samples
        self._fill_s = form.fill_s
        self._smallest_samples = form.piece_samples if form.fill_s else 1
        self._limit_samples = round(limit_s * form.sample_rate)
        self._pacer = Pacer(form.lead_s)
        self._conversion = Conversion(form.sample_rate, lambda: self._late_marks is not None, self._push)
        self._queue: deque[Samples | Mark | Clear] = deque()
        self._queued_samples = 0
        self._busy = False
        self._closed = False
        self._drops = 0
        self._more = Wakeup()
        self._room = Wakeup()
        self._clock = asyncio.get_running_loop().time
        self._waiting_since = 0.0
        self.frames_out = 0
        self.last_sent = 0.0
        self._late_marks: list[Mark] | None = None
        self.loudest = LoudestFrame()

    def write(self, sample_rate: int, samples: Samples) -> Awaitable[None]:
        """Send or queue audio, int16 of shape (n,) at `sample_rate` Hz; to be awaited at once. Waits while the queue is
        full.
        """
        if sample_rate == self._rate == self._conversion.source_rate:
            sending = self._send_now(samples)
            if sending is not None:
                return sending
        elif sample_rate != self._rate and samples.size > SLICE_S * sample_rate:
            return self._write_long(sample_rate, samples)
        return self._write(sample_rate, samples)

    def _send_now(self, samples: Samples) -> Awaitable[None] | None:
        """Send audio that can leave as it is, as most of a live echo can."""
        size = samples.size
        if self._queue or self._busy or not self._smallest_samples <= size <= self._piece_samples:
            return None
        now = self._clock()
        return self._send(samples, now) if self._pacer.leaves(size / self._rate, now) else None

    async def _write(self, sample_rate: int, samples: Samples) -> None:
        if self._closed:
            return
        if sample_rate != self._rate or self._conversion.source_rate != self._rate:
            samples = self._conversion.convert(sample_rate, samples)
            sending = self._send_now(samples)
            if sending is not None:
                await sending
                return
        if not samples.size:
            return
        if sample_rate == self._rate:
            samples = samples.copy()  # its handler may use it again
        if self._queued_samples < self._limit_samples:
            self._push(samples)
        else:
            await self._push_later(samples)
        await asyncio.sleep(0)  # a handler that is faster than real time must not keep the loop from others

    async def _push_later(self, samples: Samples) -> None:
        """Queue it once there is room."""
        drops = self._drops
        with self._under_way():
            while self._queued_samples >= self._limit_samples and drops == self._drops:
                await self._room.wait()
            if drops == self._drops:  # else it was emitted before the interruption, and goes with all the rest
                self._push(samples)

    async def _write_long(self, sample_rate: int, samples: Samples) -> None:
        """Resample a slice at a time; it is queued as a whole all the same, whatever the limit."""
        step = max(1, round(SLICE_S * sample_rate))
        drops = self._drops
        with self._under_way():
            await self._write(sample_rate, samples[:step])
            for begin in range(step, samples.size, step):
                await asyncio.sleep(0)
                if self._closed or drops != self._drops:
                    return
                resampled = self._conversion.convert(sample_rate, samples[begin : begin + step])
                if resampled.size:
                    self._push(resampled)

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """Marks that are placed meanwhile go behind what is written, unless that is dropped; and so does the tail."""
        if self._late_marks is not None:
            yield
            return
        marks: list[Mark] = []
        self._late_marks = marks
        try:
            yield
        finally:
            self._conversion.written()
            if self._late_marks is marks:
                self._late_marks = None
                for mark in marks:
                    self.mark(mark)

    @property
    def unplayed_s(self) -> float:
        """How much audio, in seconds, was written and has not been played yet, as far as can be told from here."""
        return self._queued_samples / self._rate + self._pacer.ahead_s(self._clock())

    def mark(self, mark: Mark) -> None:
        """Put a mark behind what is queued, and behind what is being written."""
        if self._late_marks is not None:
            self._late_marks.append(mark)
            return
        self._conversion.push_tail()
        self._queue.append(mark)
        self._more.set()

    def clear(self) -> None:
        """Drop what is queued, and take what was sent as dropped by the client."""
        self._drop()
        self._queue.append(Clear())
        self._more.set()

    def _drop(self) -> None:
        self._drops += 1
        self._late_marks = None
        self._queue.clear()
        self._queued_samples = 0
        self._conversion.drop()
        self._pacer.clear(self._clock())
        self._more.set()
        self._room.set()

    async def run(self) -> None:
        """Send what is queued when it is due; never returns."""
        while True:
            await self._more.wait()
            await self._send_queue()

    async def play_out(self) -> None:
        """Send all that is queued and wait until it has been played. `run` must not be running."""
        self._conversion.push_tail()
        self._fill_s = 0.0
        await self._send_queue()
        while (ahead_s := self._pacer.ahead_s(self._clock())) > TIMER_RESOLUTION_S:
            await self._more.wait_for(ahead_s)  # a mark or a clear may come meanwhile
            await self._send_queue()

    def close(self) -> None:
        """Send nothing more; `write` returns at once."""
        self._closed = True
        self._smallest_samples = self._piece_samples + 1
        self._drop()
        self._conversion.close()

    def _push(self, samples: Samples) -> None:
        if not self._queued_samples:
            self._waiting_since = self._clock()
        self._queue.append(samples)
        self._queued_samples += samples.size
        self._more.set()

    async def _send_queue(self) -> None:
        while self._queue:
            head = self._queue[0]
            if isinstance(head, Mark | Clear):
                self._queue.popleft()
                await self._exclusively(self._send_control(head))
                continue
            now = self._clock()
            size = self._next_size()
            wait_s = self._pacer.wait_s(size / self._rate, now)
            if size < self._piece_samples:
                wait_s = max(wait_s, self._waiting_since + self._fill_s - now)
            if wait_s > TIMER_RESOLUTION_S:
                # What is due may change meanwhile: more audio may come, or all of it go.
                await self._more.wait_for(wait_s)
                continue
            samples = self._padded(self._take(size))
            self._pacer.sent(samples.size / self._rate, now)
            await self._exclusively(self._send(samples, now))

    def _next_size(self) -> int:
        """How many samples the next message has: what is queued before the next mark, up to a piece."""
        size = 0
        for item in self._queue:
            if isinstance(item, Mark | Clear) or size >= self._piece_samples:
                break
            size += item.size
        return min(size, self._piece_samples)

    def _take(self, wanted: int) -> Samples:
        parts: list[Samples] = []
        while wanted:
            head = self._queue.popleft()
            assert isinstance(head, np.ndarray)  # a message ends before a mark
            if head.size > wanted:
                self._queue.appendleft(head[wanted:])
                head = head[:wanted]
            parts.append(head)
            wanted -= head.size
            self._queued_samples -= head.size
        self._waiting_since = self._clock()
        if self._queued_samples < self._limit_samples:
            self._room.set()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _padded(self, samples: Samples) -> Samples:
        rest = -samples.size % self._quantum_samples
        return np.pad(samples, (0, rest)) if rest else samples

    def _send(self, samples: Samples, now: float) -> Awaitable[None]:
        self.last_sent = now
        if now >= self.loudest.due:
            self.loudest.look(samples, now)
        self.frames_out += 1
        return self._send_audio(self._encode(samples))

    async def _exclusively(self, sending: Awaitable[None]) -> None:
        """Keep `write` from overtaking what is being sent."""
        self._busy = True
        try:
            await sending
        finally:
            self._busy = False
