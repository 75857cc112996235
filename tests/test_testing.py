"""The test client itself."""

import asyncio
import re
import sys
import time
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from rtc import AdditionalOutputs, AsyncStreamHandler, CloseStream, Stream, WebRTCError
from rtc.testing import CallClient, call, run_call, run_virtual, until, virtual_time
from tests.core.signals import tones
from tests.handler_threads import threads_left
from tests.live.tones import frequency_of
from tests.subjects import Echo, Scripted, SyncEcho, level

README = Path(__file__).parents[1] / "README.md"


def write_wav(path, rate, samples, channels=1, sample_bytes=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(sample_bytes)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def test_the_example_of_the_readme_passes(tmp_path, monkeypatch):
    handler, example = (
        next(block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.S) if text in block)
        for text in ("class Echo", "run_call")
    )
    voice = ModuleType("shop.voice")
    exec(handler, vars(voice))
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.voice", voice)
    write_wav(tmp_path / "hello.wav", 16000, tones(16000, 1.0, (440.0,)))
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example, names)
    names["test_the_caller_hears_itself"]()


def test_what_is_played_comes_back_from_an_echo_in_virtual_time():
    began = time.monotonic()
    result = run_call(Stream(Echo(24000)), (24000, tones(24000, 60.0, (440.0,))))
    spent_s = time.monotonic() - began
    rate, samples = result.audio
    assert (rate, samples.dtype, samples.size) == (24000, np.int16, pytest.approx(62 * 24000, abs=960))
    assert np.array_equal(samples[: 60 * 24000], tones(24000, 60.0, (440.0,)))
    assert not samples[60 * 24000 :].any()
    assert (result.end_reason, result.close_code, result.errors, result.outputs) == ("client_stop", 1000, [], [])
    assert [kind["event"] for _, kind in result.messages[:1]] == ["started"]
    times = [time_s for time_s, _ in result.pieces]
    assert times == sorted(times) and times[-1] == pytest.approx(62, abs=0.1)
    assert spent_s < 30, "that was no virtual minute"


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_any_rate_is_heard_as_it_was_played(rate):
    heard_rate, heard = run_call(Stream(Echo(24000)), (rate, tones(rate, 2.0, (440.0,)))).audio
    assert heard_rate == rate
    assert frequency_of(heard[rate // 2 : rate * 3 // 2], rate) == pytest.approx(440, abs=2)


def test_float_audio_and_rows_are_taken():
    samples = tones(24000, 1.0, (440.0,))
    result = run_call(Stream(Echo(24000)), (24000, (samples / 32767).astype(np.float32)[np.newaxis]), seconds=1)
    assert np.abs(result.audio[1][: samples.size].astype(int) - samples[: result.audio[1].size]).max() <= 1


def test_wav_files(tmp_path):
    mono = tones(16000, 1.0, (440.0,))
    path = write_wav(tmp_path / "mono.wav", 16000, mono)
    for file in (path, str(path)):
        assert np.array_equal(run_call(Stream(Echo(16000)), file).audio[1][:16000], mono)
    stereo = write_wav(tmp_path / "stereo.wav", 16000, np.repeat(mono, 2), channels=2)
    heard = run_call(Stream(Echo(16000)), stereo).audio[1][:16000]
    assert np.abs(heard.astype(int) - mono).max() <= 1
    wide = write_wav(tmp_path / "wide.wav", 16000, mono, sample_bytes=4)
    with pytest.raises(ValueError, match="not 16-bit"):
        run_call(Stream(Echo(16000)), wide)


def test_outputs_and_messages_come_with_their_times():
    class Later(Scripted):
        async def start_up(self):
            await asyncio.sleep(3)
            self.emissions += [AdditionalOutputs({"a": np.float32(0.5)}), AdditionalOutputs(1, "b"), CloseStream("bye")]

        async def emit(self):
            return self.emissions.pop(0) if self.emissions else None

    result = run_call(Stream(Later()), seconds=10)
    assert [value for _, value in result.outputs] == [{"a": 0.5}, [1, "b"]]
    assert [time_s for time_s, _ in result.outputs] == pytest.approx([3, 3], abs=0.25)
    assert result.messages[-1][1] == {"type": "end", "data": {"reason": "handler_closed", "message": "bye"}}
    assert [message["type"] for _, message in result.messages[1:]].count("fetch_output") <= 2
    assert result.end_reason == "handler_closed"
    assert result.messages[-1][0] < 4, "it hung up at the end, not after 10 s"


def test_inputs_are_given_when_asked_for_and_params_passed():
    class Asking(AsyncStreamHandler):
        async def start_up(self):
            self.answers = []
            for _ in range(2):
                await self.wait_for_args()
                self.answers.append(self.latest_args[1:])
                self.reset()

        async def receive(self, frame):
            pass

        async def emit(self):
            await asyncio.sleep(1)
            return AdditionalOutputs(self.answers, self.session.params, self.session.user)

    result = run_call(Stream(Asking), inputs=[["Paris", 3], []], params={"room": 5}, user="ann", seconds=1.5)
    assert result.outputs[0][1] == [[["Paris", 3], []], {"room": 5}, "ann"]


def test_a_handler_that_waits_for_input_in_vain(settings):
    settings.RTC_INPUT_TIMEOUT_S = 5

    class Asking(Scripted):
        async def start_up(self):
            await self.wait_for_args()

    result = run_call(Stream(Asking()), seconds=60)
    assert result.end_reason == "handler_failed"
    assert result.errors and set(result.errors) == {"No input came within 5 s."}
    assert result.messages[-1][0] == pytest.approx(5, abs=0.1)


def test_errors_are_told(settings):
    settings.RTC_SHOW_HANDLER_ERRORS = True

    class Failing(Scripted):
        async def receive(self, frame):
            raise self.emissions[0]

        async def emit(self):
            await asyncio.sleep(60)

    assert run_call(Stream(Failing(WebRTCError("no credit")))).errors == ["no credit"]
    result = run_call(Stream(Failing(KeyError("x"))))
    assert "KeyError" in result.errors[0]
    assert (result.end_reason, result.close_code) == ("handler_failed", 4500)


class Marking(Scripted):
    """Notes in `calls` when its mark has been played."""

    async def start_up(self):
        self.emissions = [level(1000, 2.0)]
        asyncio.get_running_loop().call_later(0.5, self.mark, "half")

    def marked(self, name):
        self.calls.append((name, asyncio.get_running_loop().time()))


def test_marks_are_answered_once_played():
    handler = Marking()
    run_call(Stream(handler), seconds=5)
    ((name, time_s),) = handler.calls[:-1]
    assert (name, time_s) == ("half", pytest.approx(2, abs=0.1))


def test_a_clear_answers_the_marks_it_drops():
    class Clearing(Marking):
        async def receive(self, frame):
            await asyncio.sleep(1)
            self.clear_queue()

    handler = Clearing()
    result = run_call(Stream(handler), seconds=5)
    assert len([event for event in handler.calls if event[0] == "half"]) <= 1
    assert {"event": "clear"} in [message for _, message in result.messages]
    assert result.audio[1].size < 1.3 * 24000


def test_a_stream_that_takes_no_audio():
    async def tune():
        yield level(1000, 1.0)
        yield AdditionalOutputs("over")

    result = run_call(Stream(tune, mode="receive"), seconds=5)
    assert result.audio[1].size == 24000
    assert (result.outputs[0][1], result.end_reason) == ("over", "handler_closed")


def test_time_limits_are_virtual_too():
    result = run_call(Stream(Scripted(), time_limit=300), seconds=1000)
    assert result.end_reason == "time_limit"
    assert result.messages[-1][0] == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("kind", ["handler", "class", "factory", "function"])
def test_a_handler_that_blocks_is_called_in_real_time(kind):
    def answer(audio):
        return audio

    subject = {"handler": SyncEcho(48000), "class": SyncEcho, "factory": lambda: SyncEcho(48000), "function": answer}
    began = time.monotonic()
    result = run_call(Stream(subject[kind]), (48000, np.full(9600, 1000, np.int16)), seconds=0.4)
    assert 0.4 <= time.monotonic() - began < 5
    assert (result.audio[1] != 0).any()
    assert result.end_reason == "client_stop"
    assert threads_left() == []


async def test_on_a_running_loop():
    result = await call(Stream(Echo(24000)), (24000, np.full(2400, 1000, np.int16)), seconds=0.3)
    assert (result.audio[1][:2400] == 1000).all()
    with pytest.raises(RuntimeError, match="running event loop"):
        run_call(Stream(Echo()))


@virtual_time
async def test_step_by_step():
    client = CallClient(Stream(Echo(24000)))
    await client.start(media_format={"encoding": "pcm_s16le", "sample_rate": 24000, "framing": "binary"})
    await client.until(lambda client: client.frames)
    await client.send(bytes(960))
    await client.until(lambda client: client.payloads)
    assert client.payloads[0][1] == bytes(960)
    assert client.give_input("x")
    assert client.admission.records[0].inputs[0][1] == ["x"]
    await client.stop()
    assert await client.until_closed() == 1000


# The clock ------------------------------------------------------------------------------------------------------


@virtual_time
async def test_the_clock_waits_for_jobs_in_threads():
    """Otherwise the timeout would come first: nothing else happens on the loop."""
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(time.sleep, 0.05) is None
        assert await sync_to_async(lambda: "done", thread_sensitive=False)() == "done"
    assert 0.05 <= asyncio.get_running_loop().time() < 5


@virtual_time
async def test_the_clock_waits_for_connections():
    async def serve(reader, writer):
        writer.write(await reader.read(5))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
    assert asyncio.get_running_loop().time() < 5
    await asyncio.sleep(3600)


def test_what_can_never_happen_is_an_error():
    async def wait_for_ever():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run_virtual(wait_for_ever())


def test_what_a_loop_would_only_log_is_an_error():
    async def leave_trouble():
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="Exception in callback") as caught:
        run_virtual(leave_trouble())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@virtual_time
async def test_until_gives_up():
    with pytest.raises(TimeoutError):
        await until(lambda: False, 5)
