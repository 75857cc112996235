import asyncio

import numpy as np
import pytest

from rtc.core.audio import decode_mulaw, decode_pcm16, encode_mulaw
from rtc.core.formats import Encoding, MediaFormat
from rtc.core.messages import Mark
from rtc.core.resampling import Resampler
from rtc.playout import SLICE_S, Playout
from rtc.playout_format import PlayoutFormat, playout_format
from tests.core.signals import tones
from tests.virtual_time import elapse, virtual_time

RATE = 24000
LEAD_S = 0.2
FRAMES = PlayoutFormat(encoding=Encoding.MULAW, sample_rate=RATE, piece_samples=480, lead_s=LEAD_S)
BUFFERS = playout_format(None, RATE, LEAD_S)


class Listener:
    """A playout that runs, and what leaves it: `(seconds, payload or control message)`."""

    def __init__(self, form=FRAMES, limit_s=1.0):
        self.loop = asyncio.get_running_loop()
        self.sent = []
        self.playout = Playout(form, limit_s, send_audio=self.note, send_control=self.note)

    async def __aenter__(self):
        self.task = asyncio.create_task(self.playout.run())
        return self

    async def __aexit__(self, *error):
        self.task.cancel()
        self.playout.close()

    async def note(self, what):
        self.sent.append((self.loop.time(), what))
        await asyncio.sleep(0)

    @property
    def audio(self):
        return [(at, what) for at, what in self.sent if isinstance(what, bytes)]

    @property
    def heard(self):
        return b"".join(payload for _, payload in self.audio)

    @property
    def kinds(self):
        return ["audio" if isinstance(what, bytes) else type(what).__name__ for _, what in self.sent]

    def greatest_lead_s(self, rate=RATE):
        """How far ahead of a client that plays at once, and without a gap, the audio ever was."""
        played_at, most = float("-inf"), 0.0
        for at, payload in self.audio:
            played_at = max(at, played_at) + len(payload) / rate
            most = max(most, played_at - at)
        return most


def samples(count, value=1000):
    return np.full(count, value, np.int16)


@virtual_time
async def test_20_ms_frames_do_not_fall_behind():
    async with Listener() as listener:
        loop = asyncio.get_running_loop()
        for count in range(50 * 60):
            await listener.playout.write(RATE, samples(480))
            assert listener.sent[-1][0] == loop.time(), "live audio must not wait"
            await elapse(count * 0.02 + 0.02 - loop.time())
        assert len(listener.heard) == 60 * RATE


@pytest.mark.parametrize("form", [FRAMES, BUFFERS], ids=["frames", "buffers"])
@virtual_time
async def test_a_10_s_chunk_is_never_more_than_the_lead_ahead(form):
    async with Listener(form) as listener:
        await listener.playout.write(RATE, samples(10 * RATE))
        assert listener.playout.unplayed_s == pytest.approx(10)
        await elapse(5)
        assert listener.playout.unplayed_s == pytest.approx(5, abs=0.01)
        await elapse(10)
        assert listener.playout.unplayed_s == 0
        assert len(listener.heard) == pytest.approx(10 * RATE, abs=128)
        assert listener.greatest_lead_s() <= LEAD_S + 1e-3
        lateness_s = listener.audio[-1][0] - (10 - LEAD_S)
        assert 0 <= lateness_s + 0.2 <= 0.21 + (0.27 if form is BUFFERS else 0)


@pytest.mark.parametrize("rate", [RATE, 8000, 44100])
@virtual_time
async def test_an_hour_does_not_drift(rate):
    form = PlayoutFormat(encoding=Encoding.MULAW, sample_rate=rate, piece_samples=rate // 50, lead_s=LEAD_S)
    async with Listener(form) as listener:
        async with asyncio.timeout(700):
            for _ in range(600):
                await listener.playout.write(RATE, samples(RATE))
        await listener.playout.write(RATE, samples(RATE))
        await elapse(5)
        assert len(listener.heard) == pytest.approx(601 * rate, rel=1e-4)
        assert listener.audio[-1][0] == pytest.approx(601 - LEAD_S, abs=0.1)
        assert listener.greatest_lead_s(rate) <= LEAD_S + 1e-3


@virtual_time
async def test_a_handler_that_is_faster_than_real_time_is_held():
    async with Listener(limit_s=1.0) as listener:
        for _ in range(100):
            await listener.playout.write(RATE, samples(2400))
        loop = asyncio.get_running_loop()
        assert loop.time() == pytest.approx(10 - 1.0 - LEAD_S, abs=0.2)


@virtual_time
async def test_a_handler_may_use_its_buffer_again():
    buffer = np.zeros(480, np.int16)
    async with Listener() as listener:
        for value in range(1000, 31_000, 1000):
            buffer[:] = value
            await listener.playout.write(RATE, buffer)
        await elapse(1.0)
    assert np.unique(decode_mulaw(listener.heard)).size == 30


@virtual_time
async def test_a_handler_may_use_long_audio_again_after_a_change_of_rate():
    buffer = samples(RATE, 1000)
    async with Listener() as listener:
        await listener.playout.write(48000, samples(0))
        await listener.playout.write(RATE, buffer)
        buffer[:] = 20000
        await elapse(2)
    assert listener.heard == encode_mulaw(samples(RATE, 1000))


@virtual_time
async def test_clear_queue_sends_clear_and_stops_what_is_queued():
    async with Listener(limit_s=30) as listener:
        await listener.playout.write(RATE, samples(10 * RATE, 1000))
        await elapse(1)
        listener.playout.clear()
        await listener.playout.write(RATE, samples(4800, 2000))
        await elapse(5)
        after = listener.kinds.index("Clear") + 1
        assert listener.kinds[after - 2 :] == ["audio", "Clear", *["audio"] * 10]
        assert len(listener.heard) == pytest.approx(1.4 * RATE, abs=480)
        assert listener.playout.unplayed_s == 0
        assert listener.sent[after:] == [(pytest.approx(1), encode_mulaw(samples(480, 2000)))] * 10


@virtual_time
async def test_clear_stops_what_waits_to_be_queued():
    async with Listener(limit_s=1) as listener:
        await listener.playout.write(RATE, samples(2 * RATE, 1000))
        waiting = asyncio.create_task(listener.playout.write(RATE, samples(2 * RATE, 2000)))
        await elapse(0.5)
        assert not waiting.done()
        listener.playout.clear()
        await elapse(5)
        assert waiting.done()
        assert encode_mulaw(samples(1, 2000)) not in listener.heard


@virtual_time
async def test_a_mark_keeps_its_place():
    async with Listener() as listener:
        listener.playout.mark(Mark(name="before"))
        await listener.playout.write(RATE, samples(700, 1000))
        listener.playout.mark(Mark(name="between"))
        await listener.playout.write(RATE, samples(700, 2000))
        listener.playout.mark(Mark(name="after"))
        await elapse(1)
        assert listener.kinds == ["Mark", "audio", "audio", "Mark", "audio", "audio", "Mark"]
        assert [len(payload) for _, payload in listener.audio] == [480, 220, 480, 220]


@virtual_time
async def test_what_the_resampler_holds_goes_before_the_mark():
    async with Listener() as listener:
        await listener.playout.write(48000, samples(960))
        listener.playout.mark(Mark(name="m"))
        await elapse(1)
        assert listener.kinds[-1] == "Mark"
        assert len(listener.heard) == 480


@pytest.mark.parametrize(("source", "target"), [(24000, 8000), (24000, 44100), (48000, 24000), (16000, 48000)])
@virtual_time
async def test_resampling_keeps_its_state_between_frames(source, target):
    form = PlayoutFormat(encoding=Encoding.PCM_S16LE, sample_rate=target, piece_samples=target // 50, lead_s=LEAD_S)
    chord = (440.0, 1000.0, 2500.0)
    async with Listener(form, limit_s=10) as listener:
        for frame in np.array_split(tones(source, 2.0, chord), 100):
            await listener.playout.write(source, frame)
        await elapse(5)
    whole = Resampler(source, target)
    expected = np.concatenate((whole.process(tones(source, 2.0, chord)), whole.flush()))
    assert np.array_equal(decode_pcm16(listener.heard), expected)


@pytest.mark.parametrize("pieces", [1, 20], ids=["at once", "piece by piece"])
@virtual_time
async def test_resampling_keeps_its_state_while_audio_waits_for_room(pieces):
    audio = tones(48000, 5.0, (440.0, 1000.0, 2500.0))
    form = PlayoutFormat(encoding=Encoding.PCM_S16LE, sample_rate=RATE, piece_samples=480, lead_s=LEAD_S)
    async with Listener(form, limit_s=0.5) as listener:
        for piece in np.array_split(audio, pieces):
            await listener.playout.write(48000, piece)
        await elapse(6)
    whole = Resampler(48000, RATE)
    assert np.array_equal(decode_pcm16(listener.heard), np.concatenate((whole.process(audio), whole.flush())))


@virtual_time
async def test_long_audio_is_resampled_a_little_at_a_time():
    turns = []

    async def other():
        while True:
            turns.append(listener.loop.time())
            await asyncio.sleep(0)

    async with Listener() as listener:
        looking = asyncio.create_task(other())
        await listener.playout.write(48000, samples(20 * 48000))
        looking.cancel()
        assert len(turns) >= 20 / SLICE_S
        assert listener.playout.unplayed_s == pytest.approx(20, abs=0.1)


@virtual_time
async def test_clear_stops_what_is_being_resampled():
    async with Listener() as listener:
        writing = asyncio.create_task(listener.playout.write(48000, samples(20 * 48000, 1000)))
        await elapse(0)
        listener.playout.mark(Mark(name="dropped"))
        listener.playout.clear()
        listener.playout.mark(Mark(name="kept"))
        await writing
        await elapse(1)
        assert listener.kinds[-2:] == ["Clear", "Mark"]
        assert listener.playout.unplayed_s == 0


@pytest.mark.parametrize("rate", [RATE, 48000])
@virtual_time
async def test_a_mark_goes_behind_what_is_being_written(rate):
    async with Listener(limit_s=0.5) as listener:
        await listener.playout.write(rate, samples(rate))
        listener.loop.call_soon(listener.playout.mark, Mark(name="m"))
        await listener.playout.write(rate, samples(rate))
        await elapse(3)
        assert listener.kinds[-1] == "Mark"
        assert len(listener.heard) == pytest.approx(2 * RATE, abs=3)


@virtual_time
async def test_the_tail_comes_when_nothing_follows():
    async with Listener() as listener:
        for _ in range(10):
            await listener.playout.write(48000, samples(960))
            await elapse(0.05)
        await elapse(0.2)
        assert len(listener.heard) == 4800


@virtual_time
async def test_the_tail_waits_for_what_may_follow_audio_that_waited_for_room():
    audio = tones(48000, 5.0, (440.0, 1000.0, 2500.0))
    form = PlayoutFormat(encoding=Encoding.PCM_S16LE, sample_rate=RATE, piece_samples=480, lead_s=LEAD_S)
    async with Listener(form, limit_s=0.5) as listener:
        for piece in np.array_split(audio, 20):
            await listener.playout.write(48000, piece)
            await elapse(0.03)
        await elapse(6)
    whole = Resampler(48000, RATE)
    assert np.array_equal(decode_pcm16(listener.heard), np.concatenate((whole.process(audio), whole.flush())))


@virtual_time
async def test_a_change_of_rate_loses_nothing():
    async with Listener() as listener:
        for rate in (48000, 24000, 16000, 24000):
            await listener.playout.write(rate, samples(rate // 10))
        await elapse(1)
        assert len(listener.heard) == pytest.approx(4 * 2400, abs=3)


@virtual_time
async def test_the_published_client_gets_whole_buffers_without_a_gap():
    """It plays each message as one buffer, so 20 ms frames are put together, and the rest is padded to whole quanta."""
    async with Listener(BUFFERS) as listener:
        for _ in range(50):
            await listener.playout.write(RATE, samples(480))
            await elapse(0.02)
        await elapse(1)
        sizes = [len(payload) for _, payload in listener.audio]
        assert sizes[:-1] == [4096] * 5
        assert sizes[-1] % 128 == 0
        assert sum(sizes) - 24000 in range(128)
        heard = decode_mulaw(listener.heard)
        assert heard[:24000].min() > 900
        assert not heard[24000:].any()


@virtual_time
async def test_play_out_returns_once_all_has_been_played():
    listener = Listener(limit_s=10)
    await listener.playout.write(48000, samples(3 * 48000))
    await listener.playout.play_out()
    assert asyncio.get_running_loop().time() == pytest.approx(3, abs=0.05)
    assert len(listener.heard) == 3 * RATE
    listener.playout.close()


async def play_out_a_second(meddle):
    """`meddle` with the playout while its last 0.1 s is played."""
    listener = Listener()
    await listener.playout.write(RATE, samples(RATE))
    playing = asyncio.create_task(listener.playout.play_out())
    await elapse(0.9)
    meddle(listener.playout)
    await playing
    listener.playout.close()
    return listener


@virtual_time
async def test_play_out_sends_a_mark_that_comes_while_the_last_audio_is_played():
    listener = await play_out_a_second(lambda playout: playout.mark(Mark(name="late")))
    assert listener.sent[-1] == (pytest.approx(0.9), Mark(name="late"))
    assert listener.loop.time() == pytest.approx(1)


@virtual_time
async def test_play_out_is_over_when_the_last_audio_is_cleared():
    listener = await play_out_a_second(Playout.clear)
    assert listener.kinds[-1] == "Clear"
    assert listener.loop.time() == pytest.approx(0.9)


@virtual_time
async def test_play_out_does_not_wait_for_more_to_come():
    listener = Listener(BUFFERS)
    await listener.playout.write(48000, samples(960))
    await listener.playout.play_out()
    assert [(at, len(payload)) for at, payload in listener.audio] == [(0, 512)]
    assert not decode_mulaw(listener.heard)[480:].any()
    listener.playout.close()


@virtual_time
async def test_nothing_leaves_after_close():
    async with Listener(limit_s=1) as listener:
        await listener.playout.write(RATE, samples(2 * RATE))
        waiting = asyncio.create_task(listener.playout.write(RATE, samples(RATE)))
        await elapse(0.1)
        count = len(listener.sent)
        listener.playout.close()
        await listener.playout.write(RATE, samples(480))
        await listener.playout.write(48000, samples(960))
        await elapse(3)
        assert waiting.done()
        assert len(listener.sent) == count


@virtual_time
async def test_empty_audio_is_nothing():
    async with Listener() as listener:
        await listener.playout.write(RATE, samples(0))
        await elapse(0.1)
        assert listener.sent == []
        assert listener.playout.frames_out == 0


def test_a_client_that_declared_its_format_gets_20_ms_frames():
    form = playout_format(MediaFormat(sample_rate=44100, encoding=Encoding.PCM_S16LE), 24000, LEAD_S)
    assert (form.sample_rate, form.piece_samples, form.encoding) == (44100, 882, Encoding.PCM_S16LE)
    assert (form.fill_s, form.quantum_samples) == (0.0, 1)


@pytest.mark.parametrize(("rate", "lead_s", "piece"), [(24000, 0.2, 4096), (8000, 0.2, 1536), (24000, 0.001, 128)])
def test_the_published_client_gets_whole_quanta_within_the_lead(rate, lead_s, piece):
    form = playout_format(None, rate, lead_s)
    assert (form.sample_rate, form.piece_samples, form.quantum_samples) == (rate, piece, 128)
