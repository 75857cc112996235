"""What a module written for FastRTC imports and touches, once `fastrtc` has become `rtc` in it."""

import asyncio
import copy
import importlib
import threading
import warnings

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

import rtc
from rtc import (
    AdditionalOutputs,
    AlgoOptions,
    AppState,
    KokoroTTSOptions,
    MoonshineSTT,
    ReplyOnPause,
    Stream,
    StreamHandler,
    UIArgs,
    create_message,
    get_stt_model,
    get_tts_model,
)
from rtc.testing import run_call
from tests.subjects import Echo, level
from tests.test_replies import ASKED_ONCE, answering, call, logs
from tests.voices import RATE, conversation

FASTRTC_0_0_34 = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "AudioEmitType",
    "AudioVideoStreamHandler",
    "CartesiaTTSOptions",
    "CloseStream",
    "KokoroTTSOptions",
    "ModelOptions",
    "MoonshineSTT",
    "PauseDetectionModel",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "SileroVadOptions",
    "Stream",
    "StreamHandler",
    "UIArgs",
    "VideoEmitType",
    "VideoStreamHandler",
    "Warning",
    "WebRTC",
    "WebRTCData",
    "WebRTCError",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "get_cloudflare_turn_credentials",
    "get_cloudflare_turn_credentials_async",
    "get_current_context",
    "get_hf_turn_credentials",
    "get_hf_turn_credentials_async",
    "get_silero_model",
    "get_stt_model",
    "get_tts_model",
    "get_turn_credentials",
    "get_turn_credentials_async",
    "get_twilio_turn_credentials",
    "wait_for_item",
]
"""What its `__init__` has."""
NOT_SERVED = {
    "AsyncAudioVideoStreamHandler",
    "AudioVideoStreamHandler",
    "CartesiaTTSOptions",
    "VideoEmitType",
    "VideoStreamHandler",
    "WebRTC",
    "WebRTCData",
}


@pytest.mark.parametrize("name", FASTRTC_0_0_34)
def test_each_of_its_names_is_there_or_says_why_not(name):
    if name in NOT_SERVED:
        with pytest.raises(ImportError, match=rf"^rtc has no {name}: .+ \(docs/porting\.md\)\.$"):
            exec(f"from rtc import {name}", {})
    else:
        assert name in rtc.__all__ and getattr(rtc, name) is not None


def test_a_name_that_nobody_has_is_no_special_case():
    with pytest.raises(ImportError, match="cannot import name 'nobodys'"):
        exec("from rtc import nobodys", {})
    assert not hasattr(rtc, "nobodys")


IN_MODULES = {
    "credentials": ["get_turn_credentials"],
    "pause_detection": ["ModelOptions", "PauseDetectionModel", "SileroVadOptions", "get_silero_model"],
    "pause_detection.silero": ["AudioChunk", "SileroVadOptions"],
    "reply_on_pause": ["AlgoOptions", "AppState", "ReplyFnGenerator", "ReplyOnPause", "create_message", "split_output"],
    "reply_on_stopwords": ["ReplyOnStopWords"],
    "speech_to_text": ["MoonshineSTT", "get_stt_model", "stt_for_chunks"],
    "speech_to_text.stt_": ["STTModel"],
    "stream": ["Stream", "UIArgs"],
    "text_to_speech": ["KokoroTTSOptions", "get_tts_model"],
    "text_to_speech.tts": ["TTSModel", "TTSOptions"],
    "tracks": ["EmitType", "HandlerType", "StreamHandler", "StreamHandlerBase", "StreamHandlerImpl"],
    "utils": ["AdditionalOutputs", "DataChannel", "RTCConfigurationCallable", "audio_to_bytes", "create_message"],
}
"""What is imported of its modules, of which there are none here."""


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in IN_MODULES for name in IN_MODULES[module]])
def test_what_its_modules_have_can_be_imported_from_there(module, name):
    found = {}
    exec(f"from rtc.{module} import {name}", found)
    assert found[name] is getattr(rtc, name)


def test_its_modules_can_be_imported_themselves():
    found = {}
    exec("import rtc.utils\nimport rtc.tracks as tracks\nfrom rtc import stream", found)
    assert found["rtc"].utils.audio_to_bytes is found["tracks"].audio_to_bytes is rtc.audio_to_bytes
    assert found["stream"].Stream is Stream
    with pytest.raises(ImportError, match="rtc has no VideoStreamHandler: video is not served"):
        exec("from rtc.tracks import VideoStreamHandler", {})
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'rtc\.nobodys'"):
        exec("import rtc.nobodys", {})


@pytest.mark.parametrize(
    "line",
    [
        "import rtc.text_to_speech.tts as there",
        "from rtc.text_to_speech import tts as there",
        "import rtc.text_to_speech.tts; there = rtc.text_to_speech.tts",
        "import importlib; there = importlib.import_module('rtc.text_to_speech.tts')",
    ],
)
def test_its_modules_in_modules_can_be_imported_in_each_way(line):
    found = {}
    exec(line, found)
    assert found["there"].TTSModel is rtc.TTSModel


@pytest.mark.parametrize("typo", ["rtc.utils.handlers", "rtc.text_to_speech.handlers", "rtc.stream.models"])
def test_there_is_nothing_of_ours_below_its_modules(typo):
    """What is loaded twice is two classes of one name."""
    with pytest.raises(ModuleNotFoundError, match="is not a package"):
        importlib.import_module(typo)


def test_all_of_it_is_in_each_module():
    found = {}
    exec("from rtc.utils import *", found)
    assert set(rtc.__all__) <= set(found)
    assert rtc.utils.__name__ == "rtc.utils" and not hasattr(rtc.utils, "__path__")


def test_what_handlers_annotate_with_fits_them():
    assert isinstance(Echo(), rtc.StreamHandlerImpl) and issubclass(Echo, rtc.StreamHandlerBase)
    frame, outputs = level(1000, 0.1), AdditionalOutputs("hello")
    assert rtc.split_output((frame, outputs)) == (frame, outputs)


@pytest.mark.parametrize("name", ["CartesiaTTSModel", "KokoroTTSModel", "SileroVADModel"])
def test_a_model_of_its_modules_says_what_to_use(name):
    with pytest.raises(ImportError, match=rf"^rtc has no {name}: .+ \(docs/porting\.md\)\.$"):
        exec(f"from rtc.text_to_speech.tts import {name}", {})


class Contextual(Echo):
    async def start_up(self):
        context = rtc.utils.current_context.get()
        rtc.utils.current_channel.get().send(create_message("log", context.webrtc_id))


def test_its_variables_tell_of_the_session():
    assert rtc.utils.current_context.get() is None and rtc.utils.current_channel.get() is None
    result = run_call(Stream(Contextual), seconds=0.1)
    assert "test" in [text for _, text in logs(result)]


@pytest.mark.parametrize("name", [name for name in FASTRTC_0_0_34 if "turn_credentials" in name])
def test_no_turn_server_is_asked_for(name):
    with pytest.warns(UserWarning, match="needs no TURN server"):
        configuration = getattr(rtc, name)(token="hf_x", ttl=60)
        if name.endswith("_async"):
            configuration = asyncio.run(configuration)
    assert configuration == {"iceServers": []}
    Stream(Echo, rtc_configuration=configuration, ui_args=UIArgs(title="Echo"))


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("event_handler", "it is handler"),
        ("fetch_latest_output", "/outputs"),
        ("mount", "RTC_STREAMS"),
        ("set_input", "/input_hook"),
        ("output_stream", "/outputs"),
        ("ui", "voice_client"),
        ("fastphone", "not served"),
        ("webrtc_component", "voice_client"),
    ],
)
def test_what_a_stream_does_not_have_says_what_to_use(name, instead):
    with pytest.raises(AttributeError, match=rf"^'Stream' object has no attribute '{name}': .*{instead}"):
        getattr(Stream(Echo), name)


def test_a_stream_is_an_ordinary_object_otherwise():
    stream = Stream(Echo)
    with pytest.raises(AttributeError, match="^'Stream' object has no attribute 'nobodys'$"):
        stream.nobodys  # noqa: B018
    stream.ui = "a Gradio page"
    assert copy.copy(stream).ui == "a Gradio page" and not hasattr(stream, "mount")


def test_models_that_no_package_carries_are_stood_in_for():
    with pytest.warns(UserWarning, match="'kokoro'; 'hibari' stands in"):
        assert get_tts_model(model="kokoro") is get_tts_model()
    with pytest.warns(UserWarning, match="'moonshine/base'; 'moonshine/tiny' stands in"):
        assert get_stt_model("moonshine/base") is get_stt_model()
    with pytest.warns(UserWarning, match="'moonshine/tiny' stands in"):
        assert isinstance(MoonshineSTT("moonshine/base"), MoonshineSTT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(get_tts_model("hibari"), object) and isinstance(get_stt_model("moonshine/tiny"), MoonshineSTT)


def test_kokoros_options_set_the_pace():
    voice = get_tts_model()
    slow = voice.tts("Good morning.", KokoroTTSOptions("af_bella", 0.7, "en-us"))[1]
    assert slow.size > 1.2 * voice.tts("Good morning.", KokoroTTSOptions())[1].size
    with pytest.raises(ValueError, match="speed is"):
        KokoroTTSOptions(speed=9)


def test_a_model_that_is_a_service_is_refused_with_advice():
    with pytest.raises(ImproperlyConfigured, match="no model 'cartesia', only 'hibari'. A service is called in the h"):
        get_tts_model(model="cartesia", cartesia_api_key="key")
    with pytest.raises(TypeError, match="'hibari' takes no cartesia_api_key"):
        get_tts_model(cartesia_api_key="key")
    with pytest.raises(ValueError, match="not 'whisper'"):
        MoonshineSTT("whisper")


# Callbacks ------------------------------------------------------------------------------------------------------


class CleansUp(StreamHandler):
    def __init__(self):
        super().__init__()
        self.cleaned = []

    def copy(self):
        return self

    def receive(self, frame):
        pass

    def emit(self):
        return None

    async def shutdown(self):
        await asyncio.sleep(0)
        self.cleaned.append(asyncio.get_running_loop() is self.loop)


def test_a_handler_of_threads_may_shut_down_asynchronously():
    handler = CleansUp()
    assert run_call(Stream(handler), seconds=0.2).end_reason == "client_stop"
    assert handler.cleaned == [True]


class OwnSession(Echo):
    """`_session` is a name that many have for their connection to a service."""

    async def start_up(self):
        self._session = "an HTTP session"
        await self.send_message(create_message("log", "connected"))

    async def emit(self):
        self.clear_queue()
        return await super().emit()


def test_what_a_handler_calls_its_session_is_its_own():
    result = run_call(Stream(OwnSession), level(1000, 0.2), seconds=1)
    assert (result.end_reason, result.errors) == ("client_stop", [])
    assert (np.abs(result.audio[1]) > 900).sum() >= 0.1 * 24000


class Cleared(ReplyOnPause):
    """As FastRTC documents an override of `reset`, and copies with what it knows."""

    copies: list["Cleared"] = []

    def reset(self):
        super().reset()
        self.generator = None
        self.event.clear()
        self.state = AppState()

    def copy(self):
        self.copies.append(Cleared(self.fn, needs_args=self._needs_additional_inputs))
        return self.copies[-1]


def of_sound(audio):
    yield level(1000, 0.1)


def of_sound_and_name(audio, name="you"):
    yield AdditionalOutputs(name)


@pytest.mark.parametrize(("fn", "said"), [(of_sound, []), (of_sound_and_name, ["Ada"])])
def test_a_handler_may_reset_what_its_replies_leave(fn, said, caplog):
    result, _ = call(Cleared(fn), *ASKED_ONCE, inputs=[["Ada"]])
    assert (result.end_reason, result.errors) == ("client_stop", []) and not caplog.records
    assert [value for _, value in result.outputs] == said
    assert Cleared.copies[-1].needs_args == bool(said)


class Talk(AppState):
    asked = 0


class Semantic(ReplyOnPause):
    """Keeps a state of its own, made anew behind each reply, as turn detectors for FastRTC do."""

    def __init__(self, fn):
        super().__init__(fn)
        self.state = Talk()
        self.states = []

    def copy(self):
        return self

    def determine_pause(self, audio, sampling_rate, state):
        paused = super().determine_pause(audio, sampling_rate, state)
        if paused:
            state.asked += 1
            self.states.append(type(state))
        return paused

    def reset(self):
        super().reset()
        self.state = Talk()


@pytest.mark.parametrize(("fn", "said"), [(of_sound, []), (of_sound_and_name, ["Ada", "Bob"])])
def test_a_state_of_its_own_is_made_anew_behind_each_reply(fn, said, caplog):
    handler = Semantic(fn)
    result, _ = call(handler, *ASKED_ONCE, *ASKED_ONCE, inputs=[["Ada"], ["Bob"]])
    assert [value for _, value in result.outputs] == said
    assert handler.states == [Talk, Talk] and not caplog.records


class Giving(ReplyOnPause):
    """Gets an input in the midst of its first reply."""

    def __init__(self):
        super().__init__(self.reply)

    async def reply(self, audio, name):
        yield AdditionalOutputs(name)
        if name == "Ada":
            self.set_args(["Bob"])
        yield level(1000, 0.1)


class Emptying(Giving):
    def reset(self):
        super().reset()
        self.latest_args = []


@pytest.mark.parametrize("handler", [Giving, Emptying])
def test_inputs_given_during_a_reply_are_there_for_the_next_one(handler):
    result, _ = call(handler(), *ASKED_ONCE, *ASKED_ONCE, inputs=[["Ada"], ["Cy"]])
    assert [value for _, value in result.outputs] == ["Ada", "Bob"]


def test_a_reply_that_waits_for_inputs_itself_gets_new_ones_each_time():
    class Asking(ReplyOnPause):
        async def reply(self, audio):
            await self.wait_for_args()
            yield AdditionalOutputs(self.latest_args[1])
            yield level(1000, 0.1)

        def __init__(self):
            super().__init__(self.reply)

    result, _ = call(Asking(), *ASKED_ONCE, *ASKED_ONCE, inputs=[["Ada"], ["Bob"]])
    assert [value for _, value in result.outputs] == ["Ada", "Bob"]


def test_a_reset_that_is_never_awaited_is_told_of(caplog):
    class Waiting(ReplyOnPause):
        async def reset(self):
            pass

    result, _ = call(Waiting(of_sound), *ASKED_ONCE)
    assert result.end_reason == "client_stop"
    assert "reset() of this handler is not awaited: write `def reset`" in caplog.text


def test_a_reset_that_fails_behind_a_reply_does_not_end_the_call(caplog):
    class Forgetful(ReplyOnPause):
        def reset(self):
            raise LookupError("what was it")

    result, _ = call(Forgetful(of_sound), *ASKED_ONCE, *ASKED_ONCE)
    assert (result.end_reason, result.errors) == ("client_stop", [])
    assert np.abs(result.audio[1]).max() > 900
    assert caplog.text.count("the handler failed in reset(): LookupError: what was it") == 3


@pytest.mark.parametrize("handed_on", [np.squeeze, rtc.audio_to_float32, lambda samples: samples])
def test_an_override_hands_on_audio_as_it_has_made_it(handed_on):
    class Denoised(ReplyOnPause):
        async def receive(self, frame):
            await super().receive((frame[0], handed_on(frame[1])))

    reply, fn = answering(seconds=0.2)
    call(Denoised(fn), *ASKED_ONCE)
    [(_, samples)] = reply.turns
    assert samples.dtype == np.int16 and samples.ndim == 2 and np.abs(samples).max() > 5000


class Late(ReplyOnPause):
    """Says how it takes turns, and has flags, after its base was made; what it has before that stays its own."""

    def __init__(self, fn):
        self.turn_options = {"threshold": 0.5}
        super().__init__(fn)
        self.can_interrupt = False
        self.algo_options = AlgoOptions(max_continuous_speech_s=0.5)
        self.replied = self.interrupted = False


def test_what_is_set_before_the_session_counts(caplog):
    reply, fn = answering(seconds=9.0)
    handler = Late(fn)
    result, _ = call(handler, *ASKED_ONCE, ASKED_ONCE[1], 1.5)
    assert handler.turn_options == {"threshold": 0.5}
    [(_, samples)] = reply.turns
    assert 0.5 <= samples.shape[1] / RATE < 0.6
    assert not [message for _, message in result.messages if message.get("event") == "clear"]
    assert not caplog.records


def test_a_reset_that_fails_is_logged_after_the_session(caplog):
    broken = type("Broken", (Echo,), {"reset": lambda self: self.nobodys})
    result = run_call(Stream(broken), level(1000, 0.1), seconds=0.5)
    assert (result.end_reason, result.close_code, result.errors) == ("client_stop", 1000, [])
    [record] = caplog.records
    assert record.name == "rtc.runner" and "the handler failed in reset(): AttributeError" in record.getMessage()


@pytest.mark.parametrize("name", ["start_up", "receive", "emit"])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_plain_function_where_one_is_awaited_says_so(name, caplog):
    plain = type("Plain", (Echo,), {name: lambda self, *args: None})
    result = run_call(Stream(plain), level(1000, 0.1), seconds=1)
    assert (result.end_reason, result.close_code) == ("handler_failed", 4500)
    assert f"write `async def {name}`" in caplog.text


def test_a_plain_function_may_hand_on_what_is_awaited():
    class Louder(Echo):
        def receive(self, frame):
            return super().receive((frame[0], frame[1] * 2))

    result = run_call(Stream(Louder), level(1000, 0.2), seconds=1)
    assert np.abs(result.audio[1]).max() > 1900


# Inputs ---------------------------------------------------------------------------------------------------------


def tune(notes, length_s=0.1):
    for _ in range(notes):
        yield level(1000, length_s)


async def async_tune(notes):
    for _ in range(notes):
        yield level(1000, 0.1)


@pytest.mark.parametrize("function", [tune, async_tune])
def test_a_function_that_requires_inputs_is_called_when_they_are_there(function):
    result = run_call(Stream(function, mode="receive"), inputs=[[3]], seconds=3)
    assert result.messages[1][1]["type"] == "send_input"
    assert result.end_reason == "handler_closed" and result.audio[1].size == 3 * 2400


def amplified(audio, gain):
    return audio[0], audio[1] * gain


async def async_amplified(audio, gain):
    return audio[0], audio[1] * gain


@pytest.mark.parametrize("function", [amplified, async_amplified])
def test_a_function_of_audio_that_requires_inputs_asks_once(function):
    result = run_call(Stream(function), level(1000, 0.5), inputs=[[3]], seconds=1)
    asked = [message for _, message in result.messages if message.get("type") == "send_input"]
    assert len(asked) == 1 and result.end_reason == "client_stop"
    assert np.abs(result.audio[1]).max() > 2900


def test_inputs_with_defaults_are_not_asked_for():
    result = run_call(Stream(lambda audio, gain=2: amplified(audio, gain)), level(1000, 0.3), seconds=1)
    assert not [message for _, message in result.messages if message.get("type") == "send_input"]
    assert np.abs(result.audio[1]).max() > 1900


def greeting_with(startup_fn, fn, **settings):
    handler = ReplyOnPause(fn, startup_fn=startup_fn, **settings)
    return run_call(Stream(handler), seconds=2, inputs=[["Ada"]])


def hello(name="you"):
    yield AdditionalOutputs(name)
    yield level(1000, 0.1)


def named(name):
    yield AdditionalOutputs(name)


def of_audio(audio):
    yield audio


def of_more(audio, name):
    yield audio


@pytest.mark.parametrize(
    ("startup_fn", "fn", "settings", "said"),
    [
        (hello, of_audio, {}, "you"),
        (hello, of_more, {}, "Ada"),
        (hello, of_audio, {"needs_args": True}, "Ada"),
        (named, of_audio, {}, "Ada"),
    ],
)
def test_a_greeting_waits_for_inputs_where_replies_do_or_it_must(startup_fn, fn, settings, said):
    result = greeting_with(startup_fn, fn, **settings)
    assert [value for _, value in result.outputs] == [said]
    asked = [message for _, message in result.messages if message.get("type") == "send_input"]
    assert len(asked) == (said == "Ada")


# Outputs --------------------------------------------------------------------------------------------------------


class Event:
    """As an SDK's: Pydantic's way of giving JSON."""

    def __init__(self, text):
        self.text = text

    def model_dump(self, mode):
        return {"transcript": self.text, "mode": mode}


def test_an_object_of_an_sdk_goes_out_as_its_json():
    handler = answering()

    async def reply(audio):
        yield AdditionalOutputs(Event("hello"), 1)

    handler = ReplyOnPause(reply)
    result, _ = call(handler, *ASKED_ONCE)
    assert [value for _, value in result.outputs] == [[{"transcript": "hello", "mode": "json"}, 1]]


def test_an_output_without_json_fails_its_reply_and_not_the_call(caplog):
    replies = []

    def reply(audio):
        replies.append(threading.get_ident())
        yield AdditionalOutputs(object() if len(replies) == 1 else "better")

    result, _ = call(ReplyOnPause(reply), *ASKED_ONCE, ASKED_ONCE[1], 2.0)
    errors = [message["code"] for _, message in result.messages if message.get("type") == "error"]
    assert errors == ["reply_failed"] and result.end_reason == "client_stop"
    assert [value for _, value in result.outputs] == ["better"]
    assert "Object of type object is not JSON serializable" in caplog.text


def test_where_nothing_is_heard_an_output_is_what_a_reply_has_said():
    """Else whoever speaks on while it is made would have it made again, with what it has replied to already."""
    turns = []

    async def reply(audio):
        turns.append(audio[1].size / RATE)
        yield AdditionalOutputs(len(turns))
        await asyncio.sleep(4)

    audio, _ = conversation(0.5, "I would like to order a pizza.", 1.5, "And a bottle of water, please.", 2.0)
    result = run_call(Stream(ReplyOnPause(reply), mode="send"), (RATE, audio))
    assert [value for _, value in result.outputs] == [1, 2]
    assert len(turns) == 2 and turns[1] < turns[0] + 1.0, turns
    assert [text for _, text in logs(result)].count("pause_detected") == 2
