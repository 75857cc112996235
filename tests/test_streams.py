import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured

from rtc import AsyncStreamHandler, Stream, StreamHandler
from rtc.functions import AsyncFunctionHandler, FunctionHandler


class Plain(StreamHandler):
    def __init__(self, greeting="hello", *, volume=1.0):
        super().__init__(output_sample_rate=16000)
        self.greeting = greeting
        self.volume = volume


class WithCopy(AsyncStreamHandler):
    def copy(self):
        handler = WithCopy()
        handler.copied = True
        return handler


def test_a_class_makes_a_handler_a_session():
    stream = Stream(Plain)
    first, second = stream.new_handler(), stream.new_handler()
    assert type(first) is type(second) is Plain
    assert first is not second


def test_an_instance_is_copied_with_its_constructor_arguments():
    original = Plain("good day", volume=0.5)
    handler = Stream(original).new_handler()
    assert handler is not original
    assert (handler.greeting, handler.volume, handler.output_sample_rate) == ("good day", 0.5, 16000)


def test_an_overridden_copy_is_used():
    assert Stream(WithCopy()).new_handler().copied


@pytest.mark.parametrize("mode", ["send-receive", "send"])
def test_a_factory_makes_a_handler_a_session(mode):
    stream = Stream(lambda: Plain("from a factory"), mode=mode)
    handler = stream.new_handler()
    assert isinstance(handler, Plain)
    assert handler is not stream.new_handler()
    assert handler.greeting == "from a factory"


def reply(audio):
    return audio


def generator(audio):
    yield audio


async def coroutine(audio):
    return audio


async def async_generator(audio):
    yield audio


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (reply, FunctionHandler),
        (generator, FunctionHandler),
        (lambda *arguments: None, FunctionHandler),
        (coroutine, AsyncFunctionHandler),
        (async_generator, AsyncFunctionHandler),
    ],
)
def test_a_function_of_audio_is_a_handler(function, kind):
    assert type(Stream(function).new_handler()) is kind
    assert type(Stream(function, mode="send").new_handler()) is kind


def test_a_function_without_input_is_a_handler_of_mode_receive():
    def tune():
        yield 24000, None

    assert type(Stream(tune, mode="receive").new_handler()) is FunctionHandler


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"handler": Plain, "modality": "video"}, "modality 'video' can't be served"),
        ({"handler": Plain, "modality": "audio-video"}, "modality 'audio-video' can't be served"),
        ({"handler": Plain, "mode": "both"}, "mode 'both' is none of send-receive, send, receive"),
        ({"handler": "tests.streams.reply"}, "is no stream handler and can't be called"),
        ({"handler": None}, "is no stream handler and can't be called"),
    ],
)
def test_what_cannot_be_served_is_improperly_configured(arguments, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        Stream(**arguments)


def test_a_factory_must_make_handlers():
    stream = Stream(lambda: object())
    with pytest.raises(ImproperlyConfigured, match="made a object, not a stream handler"):
        stream.new_handler()


def test_what_fastrtc_takes_besides_is_accepted():
    stream = Stream(
        Plain,
        concurrency_limit="default",
        rtc_configuration={},
        verbose=False,
        additional_outputs_handler=lambda old, new: new,
        ui_args={"title": "Shop", "subtitle": "Ask away"},
    )
    assert (stream.name, stream.description, stream.concurrency_limit) == ("Shop", "Ask away", None)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        Stream(Plain, colour="red")


@pytest.mark.parametrize(
    ("mode", "takes", "sends"), [("send-receive", True, True), ("send", True, False), ("receive", False, True)]
)
def test_modes_are_as_the_client_sees_them(mode, takes, sends):
    stream = Stream(Plain, mode=mode)
    assert (stream.takes_audio, stream.sends_audio) == (takes, sends)


def test_an_instance_knows_its_sample_rates():
    original = Plain()
    original.copy = None
    assert Stream(original).sample_rates() == (48000, 16000)


def counting(made):
    def factory():
        made.append(Plain())
        return made[-1]

    return factory


def test_sample_rates_take_one_handler_of_a_factory():
    made = []
    stream = Stream(counting(made))
    assert stream.sample_rates() == stream.sample_rates() == (48000, 16000)
    assert len(made) == 1


def test_sample_rates_take_no_handler_after_a_session():
    made = []
    stream = Stream(counting(made))
    stream.new_handler()
    assert stream.sample_rates() == (48000, 16000)
    assert len(made) == 1


class OnLoop(AsyncStreamHandler):
    def __init__(self):
        super().__init__(input_sample_rate=16000)
        self.listening = asyncio.get_running_loop().create_task(asyncio.sleep(60))


def test_sample_rates_of_a_handler_that_needs_a_loop():
    assert Stream(OnLoop).sample_rates() == (16000, 24000)


async def test_sample_rates_are_there_on_a_loop_too():
    assert Stream(OnLoop).sample_rates() == (16000, 24000)


def test_sample_rates_of_what_makes_no_handlers():
    with pytest.raises(ImproperlyConfigured, match="not a stream handler"):
        Stream(lambda: object()).sample_rates()
