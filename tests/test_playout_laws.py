"""Audio and marks in any order, against a simple model of what is to be heard of them."""

import asyncio
from itertools import zip_longest

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtc.conversion import TAIL_AFTER_S
from rtc.core.audio import decode_pcm16
from rtc.core.formats import Encoding
from rtc.core.messages import Clear, Mark
from rtc.core.resampling import Resampler
from rtc.playout import Playout
from rtc.playout_format import PlayoutFormat
from tests.virtual_time import elapse, run_virtual

RATE = 8000
LEAD_S = 0.1
LIMIT_S = 0.4
OVERWRITTEN = -32000

rates = st.sampled_from([RATE, RATE, 16000, 11025])
lengths_s = st.sampled_from([0.0, 0.001, 0.013, 0.02, 0.06, 0.2, 0.27, 0.8])
pauses_s = st.sampled_from([0.0, 0.04, 0.3])
"""None is near `TAIL_AFTER_S`, and neither are two."""
writes = st.tuples(rates, lengths_s, pauses_s)
asides = st.tuples(
    st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.5]), st.integers(0, 4), st.sampled_from(["mark"] * 4 + ["clear"])
)
fills_s = st.sampled_from([0.0, 0.15])


def form(fill_s):
    piece = round(RATE * (0.06 if fill_s else 0.02))
    return PlayoutFormat(
        encoding=Encoding.PCM_S16LE, sample_rate=RATE, piece_samples=piece, lead_s=LEAD_S, fill_s=fill_s
    )


class Model:
    """What is to be heard: after each interruption anew, all that was written since, with the marks in their places."""

    def __init__(self):
        self.epochs = [[]]
        self._resampler = Resampler(RATE, RATE)

    def write(self, rate, samples):
        if rate != self._resampler.source_rate:
            self.end_stream()
            self._resampler = Resampler(rate, RATE)
        self._heard(self._resampler.process(samples.copy()))

    def end_stream(self):
        self._heard(self._resampler.flush())

    def mark(self, name):
        self.end_stream()
        self.epochs[-1].append(name)

    def clear(self, begun):
        """Interrupt; after an interruption that the client has not been told of, nothing was heard."""
        self.end_stream()
        del self.epochs[begun:]
        self.epochs.append([])

    def _heard(self, samples):
        self.epochs[-1].extend(samples.tolist())


class Scene:
    """A playout, one task that writes to it, another that places marks and clears; and what leaves."""

    def __init__(self, fill_s):
        self.loop = asyncio.get_running_loop()
        self.model = Model()
        self.heard = [[]]
        self.playout = Playout(form(fill_s), LIMIT_S, send_audio=self._audio, send_control=self._control)
        self._played_at = 0.0
        self.greatest_lead_s = 0.0
        self._count = 0

    async def _audio(self, payload):
        samples = decode_pcm16(payload)
        self.heard[-1].extend(samples.tolist())
        self._played_at = max(self._played_at, self.loop.time()) + samples.size / RATE
        self.greatest_lead_s = max(self.greatest_lead_s, self._played_at - self.loop.time())
        await asyncio.sleep(0)

    async def _control(self, message):
        if isinstance(message, Clear):
            self.heard.append([])
        else:
            self.heard[-1].append(message.name)
        await asyncio.sleep(0)

    async def write_all(self, script):
        returned_at = self.loop.time()
        for rate, length_s, pause_s in script:
            samples = self._ramp(round(rate * length_s))
            if self.loop.time() - returned_at > TAIL_AFTER_S:
                self.model.end_stream()
            self.model.write(rate, samples)
            await self.playout.write(rate, samples)
            returned_at = self.loop.time()
            samples[:] = OVERWRITTEN
            await elapse(pause_s)

    def _ramp(self, count):
        """No two samples of a scene are the same, as far as 16 bits go."""
        self._count += count
        return (np.arange(self._count - count, self._count) % 30_000).astype(np.int16)

    async def interfere(self, script):
        for number, (pause_s, turns, what) in enumerate(script):
            await elapse(pause_s)
            for _ in range(turns):
                await asyncio.sleep(0)
            if what == "mark":
                self.model.mark(f"mark {number}")
                self.playout.mark(Mark(name=f"mark {number}"))
            else:
                self.model.clear(len(self.heard))
                self.playout.clear()
                self._played_at = self.loop.time()


def differs(heard, expected):
    for place, (found, wanted) in enumerate(zip_longest(heard, expected)):
        if found != wanted:
            return f"{found!r}, not {wanted!r}, is heard at {place} of {len(expected)}"
    return None


@given(fills_s, st.lists(writes, max_size=8), st.lists(asides, max_size=8), st.booleans())
@example(0.0, [(RATE, 0.27, 0.0), (RATE, 0.27, 0.0), (16000, 0.02, 0.04), (16000, 0.02, 0.0)], [], False)
@example(0.0, [(RATE, 0.0, 0.0)], [(0.0, 0, "clear"), (0.0, 0, "clear")], True)
@settings(max_examples=200)
def test_all_is_heard_in_its_order(fill_s, written, others, plays_out):
    async def play():
        scene = Scene(fill_s)
        running = asyncio.create_task(scene.playout.run())
        interfering = asyncio.create_task(scene.interfere(others))
        async with asyncio.timeout(60):
            await scene.write_all(written)
            if plays_out:
                running.cancel()
                await asyncio.wait([running])
                await scene.playout.play_out()
                interfering.cancel()
            else:
                await interfering
                await elapse(10)
                running.cancel()
            await asyncio.wait([running, interfering])
        scene.playout.close()
        scene.model.end_stream()
        return scene

    scene = run_virtual(play())
    assert scene.greatest_lead_s <= LEAD_S + 1e-6
    assert len(scene.heard) == len(scene.model.epochs)
    *dropped, last = zip(scene.heard, scene.model.epochs, strict=True)
    for heard, expected in dropped:
        assert differs(heard, expected[: len(heard)]) is None
    assert differs(*last) is None
