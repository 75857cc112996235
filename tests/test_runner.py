"""What lies between a handler and its client: rates, formats, layouts. In virtual time."""

import numpy as np
import pytest

from rtc import Stream
from rtc.core.audio import decode_mulaw, encode_mulaw
from tests.callers import MULAW_24K, SILENCE, Client
from tests.core.signals import cut, tones
from tests.subjects import Echo, Scripted, level, seconds_of
from tests.virtual_time import elapse, virtual_time


async def talk(client, audio, rate, frame_samples, encode=encode_mulaw):
    """Send audio in real time."""
    began, sent = client.loop.time(), 0
    for piece in cut(audio, [frame_samples]):
        sent += piece.size
        await elapse(began + sent / rate - client.loop.time())
        await client.send(encode(piece))


def pitch_hz(samples, rate):
    """The strongest frequency."""
    return np.abs(np.fft.rfft(samples * np.hanning(samples.size))).argmax() * rate / samples.size


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("encoding", ["mulaw", "pcm_s16le"])
@virtual_time
async def test_a_client_sends_and_hears_the_rate_it_declares(rate, encoding):
    client = Client(Stream(Echo(24000)))
    declared = {"encoding": encoding, "sample_rate": rate, "framing": "json"}
    await client.start(media_format=declared)
    await client.until(lambda client: client.messages)
    assert client.messages[0] == {
        "event": "started",
        "session_id": "a",
        "media_format": declared,
        "output": declared,
    }
    encode, decode = (
        (encode_mulaw, decode_mulaw)
        if encoding == "mulaw"
        else (lambda samples: samples.tobytes(), lambda payload: np.frombuffer(payload, np.int16))
    )
    await talk(client, tones(rate, 3.0, (1000.0,)), rate, rate // 50, encode)
    await elapse(1)
    heard = decode(client.heard)
    assert heard.size == pytest.approx(3 * rate, abs=rate * 0.035)  # what the resamplers still hold
    assert pitch_hz(heard[rate : 2 * rate], rate) == pytest.approx(1000, abs=2)
    assert client.payloads[-1][0] < 3.3


@pytest.mark.parametrize("rate", [24000, 44100, 48000])
@virtual_time
async def test_a_client_that_declares_no_rate_is_understood_and_hears_the_handlers(rate):
    client = Client(Stream(Echo(24000)))
    await client.start()
    await talk(client, tones(rate, 10.0, (1000.0,)), rate, 2048)
    await elapse(1)
    assert client.of_type("log") == [f"input_sample_rate {rate}"]
    heard = decode_mulaw(client.heard)
    assert heard.size == pytest.approx(240_000, abs=2400)
    assert pitch_hz(heard[48000:72000], 24000) == pytest.approx(1000, abs=2)
    lag_s = client.payloads[-1][0] + 0.1 - 10
    assert lag_s < 1
    await client.stop()
    await client.until_closed()
    assert client.record.figures.sample_rate == rate


@virtual_time
async def test_a_client_that_sends_too_little_to_measure_is_heard_all_the_same():
    handler = Scripted()
    client = Client(Stream(handler))
    await client.start()
    await client.send(SILENCE * 2048)
    await elapse(2)
    assert not handler.frames
    await elapse(2)
    assert client.of_type("log") == ["input_sample_rate 48000"]
    assert sum(samples.size for _, samples in handler.frames) == 2048


@virtual_time
async def test_leaving_while_the_rate_is_measured():
    client = Client(Stream(Scripted()))
    await client.start()
    await elapse(0.1)
    await client.send(SILENCE * 2048)
    await client.stop()
    await client.until_closed()
    await elapse(10)
    assert client.kinds == ["end"]


@virtual_time
async def test_what_a_session_amounted_to():
    client = Client(Stream(Echo()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    for _ in range(7):
        await client.send(SILENCE * 480)
        await elapse(0.02)
    await client.say(event="none")
    await client.stop()
    await client.until_closed()
    figures = client.record.figures
    assert (figures.frames_in, figures.frames_out, figures.frames_dropped, figures.errors) == (7, 7, 0, 1)
    assert figures.sample_rate == 24000


@virtual_time
async def test_a_handler_that_is_too_slow_loses_the_oldest_audio(settings):
    settings.RTC_INPUT_QUEUE_MS = 100

    class Slow(Scripted):
        async def receive(self, frame):
            await super().receive(frame)
            await elapse(1)

    handler = Slow(input_sample_rate=24000)
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    for value in range(50):
        await client.send(bytes([value]) * 480)
        await elapse(0.02)
    await elapse(10)
    await client.stop()
    await client.until_closed()
    assert client.record.figures.frames_dropped == 50 - len(handler.frames)
    assert [encode_mulaw(samples[0, :1])[0] for _, samples in handler.frames][-5:] == [45, 46, 47, 48, 49]


@pytest.mark.parametrize(
    "emission",
    [
        level(1000, 0.1),
        (24000, level(1000, 0.1)[1][np.newaxis]),
        (24000, level(1000, 0.1)[1], "mono"),
        (24000, np.repeat(level(1000, 0.1)[1], 2)[np.newaxis], "stereo"),
        (24000, np.tile(level(1000, 0.1)[1], (2, 1)), "stereo"),
        (24000, level(1000, 0.1)[1].astype(np.float32) / 32767),
        (24000.0, level(1000, 0.1)[1]),
        (np.int64(24000), level(1000, 0.1)[1]),
    ],
    ids=["flat", "row", "mono", "interleaved", "two rows", "float32", "float rate", "numpy rate"],
)
@virtual_time
async def test_audio_may_come_in_any_of_these_forms(emission):
    client = Client(Stream(Scripted(emission)))
    await client.start(media_format=MULAW_24K)
    await elapse(1)
    assert seconds_of(1000, client.heard) == 0.1


@pytest.mark.parametrize(
    "emission",
    [
        (24000, np.zeros((3, 480), np.int16)),
        (24000, np.zeros(480, np.int64)),
        (24000, np.zeros(480, complex)),
        (0, np.zeros(480, np.int16)),
        (-24000, np.zeros(480, np.int16)),
        ("fast", np.zeros(480, np.int16)),
        (None, np.zeros(480, np.int16)),
        (24000, np.zeros(481, np.int16), "stereo"),
        (24000, np.array(5, np.int16)),
    ],
    ids=["three rows", "int64", "complex", "no rate", "negative rate", "text", "none", "odd stereo", "no dimension"],
)
@virtual_time
async def test_what_is_no_audio_ends_the_session(emission, caplog):
    handler = Scripted(emission)
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    assert await client.until_closed() == 4500
    assert "the handler failed in emit()" in caplog.text
    assert handler.calls == ["start_up", "shutdown"]


@virtual_time
async def test_in_mode_send_the_handler_is_paced_and_nothing_comes_back():
    class Talker(Scripted):
        async def emit(self):
            self.calls.append("emit")
            return level(1000, 1)

    handler = Talker()
    client = Client(Stream(handler, mode="send"))
    await client.start(media_format=MULAW_24K)
    await client.send(SILENCE * 480)
    await elapse(20)
    assert client.kinds == ["started"]
    assert handler.frames
    assert handler.calls.count("emit") < 60


@virtual_time
async def test_in_mode_receive_nothing_is_taken_in():
    handler = Scripted(level(1000, 0.5))
    client = Client(Stream(handler, mode="receive"))
    await client.start()
    for _ in range(50):
        await client.send(SILENCE * 2048)
        await elapse(0.02)
    assert not handler.frames
    assert seconds_of(1000, client.heard) == 0.5
    assert client.kinds == ["audio"]


@virtual_time
async def test_clear_queue_keeps_its_place_between_two_emissions():
    class Interrupted(Scripted):
        async def receive(self, frame):
            self.clear_queue()

        async def emit(self):
            if len(self.emissions) == 1:
                await elapse(1)
                self.clear_queue()
            return await super().emit()

    client = Client(Stream(Interrupted(level(1000, 10), level(2000, 0.02))))
    await client.start(media_format=MULAW_24K)
    await elapse(5)
    assert client.kinds == ["started", "audio", "clear", "audio"]
    assert seconds_of(1000, client.heard) == pytest.approx(1.2, abs=0.03)
    assert seconds_of(2000, client.heard) == 0.02


@virtual_time
async def test_marks_go_to_clients_that_answer_them_and_come_back():
    class Marking(Scripted):
        async def emit(self):
            if len(self.emissions) == 1:
                self.mark("said")
            return await super().emit()

        def marked(self, name):
            self.calls.append((name, self.session.unplayed_s()))

    script = level(1000, 1), level(2000, 0.1)
    handler = Marking(*script)
    client = Client(Stream(handler))
    await client.start(media_format=MULAW_24K)
    await elapse(3)
    assert client.kinds == ["started", "audio", "mark", "audio"]
    assert seconds_of(1000, client.heard) == 1
    await client.say(event="mark", mark={"name": "said"})
    await elapse(0.1)
    assert ("said", 0.0) in handler.calls
    old = Client(Stream(Marking(*script)))
    await old.start("b")
    await elapse(3)
    assert old.kinds == ["audio"]


@virtual_time
async def test_a_live_echo_adds_no_delay():
    client = Client(Stream(Echo()))
    await client.start(media_format=MULAW_24K)
    await elapse(0.1)
    for _ in range(500):
        count = len(client.payloads)
        now = client.loop.time()
        await client.send(SILENCE * 480)
        await elapse(0.02)
        assert client.payloads[count][0] == now
    assert len(client.heard) == 500 * 480
