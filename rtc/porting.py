"""FastRTC's names that have no meaning over a WebSocket. What a handler's module imports by the way is here, so that it
loads; what it would work with is not, and the error says what is there instead.
"""

import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, TypedDict

from rtc.context import Context, SessionHandle, current_session, get_current_context
from rtc.emission import AudioEmitType, take_apart
from rtc.handlers import AsyncStreamHandler, HandlerBase, StreamHandler
from rtc.replier import ReplyFunction


class UIArgs(TypedDict, total=False):
    """How FastRTC's own page looks; see `Stream(ui_args=…)`."""

    title: str
    subtitle: str
    icon: str
    icon_button_color: str
    pulse_color: str
    icon_radius: int
    send_input_on: Literal["submit", "change"]
    hide_title: bool
    full_screen: bool


def get_turn_credentials(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """An `RTCConfiguration` without servers: a WebSocket needs none. Nothing is asked of anyone."""
    warnings.warn("Audio over a WebSocket needs no TURN server; none is asked for credentials.", stacklevel=2)
    return {"iceServers": []}


async def get_turn_credentials_async(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """The same, awaited."""
    return get_turn_credentials()


get_cloudflare_turn_credentials = get_hf_turn_credentials = get_twilio_turn_credentials = get_turn_credentials
get_cloudflare_turn_credentials_async = get_hf_turn_credentials_async = get_turn_credentials_async

_VIDEO = "video is not served, audio over a WebSocket is"
_SERVICE = "Cartesia is a service: call it in your handler, as any other"
_COMPONENT = "there is no Gradio component: the template tag {% voice_client %} puts a client into a page"
_ABSENT = {
    "AsyncAudioVideoStreamHandler": _VIDEO,
    "AudioVideoStreamHandler": _VIDEO,
    "CartesiaTTSModel": _SERVICE,
    "CartesiaTTSOptions": _SERVICE,
    "KokoroTTSModel": "get_tts_model() gives a voice; any object with its methods is one",
    "SileroVADModel": "get_silero_model() gives the model; any object with vad() does for ReplyOnPause(model=…)",
    "VideoEmitType": _VIDEO,
    "VideoStreamHandler": _VIDEO,
    "WebRTC": _COMPONENT,
    "WebRTCData": f"{_COMPONENT}. What a client posts to /input_hook is in latest_args[1:]",
}
_OUTPUTS = "GET /outputs serves the outputs, and a reconnect misses none"
_ABSENT_OF_STREAM = {
    "connections": "sessions are rows, on every worker: rtc.models.Session",
    "event_handler": "it is handler here; each session has one of its own",
    "fastphone": "telephones are not served",
    "fetch_latest_output": _OUTPUTS,
    "handle_incoming_call": "telephones are not served",
    "handlers": "each session's handler is its own, on its worker: POST /input_hook reaches it from anywhere",
    "mount": "there is no FastAPI app: name the stream in RTC_STREAMS, and route rtc.urls and rtc.routing",
    "offer": "WebRTC is not served, audio over a WebSocket is",
    "output_stream": _OUTPUTS,
    "set_additional_outputs": "AdditionalOutputs of a handler reach GET /outputs",
    "set_input": "POST /input_hook takes inputs; a Django form checks them: Stream(input_form=…)",
    "telephone_handler": "telephones are not served",
    "ui": "there is no Gradio app: each stream has a page, and {% voice_client %} puts one into yours",
    "webrtc_component": _COMPONENT,
    "websocket_offer": "rtc.routing serves the WebSocket",
}


_MODULES = (
    "credentials",
    "pause_detection",
    "pause_detection.protocol",
    "pause_detection.silero",
    "reply_on_pause",
    "reply_on_stopwords",
    "speech_to_text",
    "speech_to_text.stt_",
    "stream",
    "text_to_speech",
    "text_to_speech.tts",
    "tracks",
    "utils",
    "webrtc",
    "websocket",
)


class _Place(ModuleType):
    """A module of FastRTC's, in which everything of `package` is found."""

    def __init__(self, name: str, package: ModuleType) -> None:
        super().__init__(name, f"What FastRTC has in its module of this name; here it is all in {package.__name__}.")
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":  # above all, it is no package and has no modules in it
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self._package, name)


def take_for_modules(package: ModuleType) -> None:
    """Let the package be found under the names of FastRTC's modules too: `from fastrtc.utils import …` is as common in
    handlers as `from fastrtc import …`, and all that is here comes from the package itself.
    """
    for path in _MODULES:
        name = f"{package.__name__}.{path}"
        place = sys.modules[name] = _Place(name, package)
        parent, _, last = name.rpartition(".")
        setattr(sys.modules[parent], last, place)


class CurrentContext:
    """What FastRTC's variable tells: `get_current_context()`, or None outside a session."""

    def get(self, default: Context | None = None) -> Context | None:
        return default if current_session.get() is None else get_current_context()


_OF_MODULES: dict[str, Any] = {
    "DataChannel": SessionHandle,
    "EmitType": AudioEmitType,
    "HandlerType": StreamHandler | AsyncStreamHandler | Callable[..., Any],
    "ReplyFnGenerator": ReplyFunction,
    "RTCConfigurationCallable": Callable[..., Any] | dict[str, Any],
    "StreamHandlerBase": HandlerBase,
    "StreamHandlerImpl": StreamHandler | AsyncStreamHandler,
    "current_channel": current_session,
    "current_context": CurrentContext(),
    "split_output": take_apart,
}
"""What only those modules of FastRTC's have; here it has another name."""


def found_in_modules(name: str) -> Any:
    """What `from rtc import name` gives besides the names of `rtc` itself.

    Raises:
        ImportError: says why there is none, for a name of FastRTC's.
        AttributeError: for any other.
    """
    if name in _OF_MODULES:
        return _OF_MODULES[name]
    if name in _ABSENT:
        raise ImportError(f"rtc has no {name}: {_ABSENT[name]} (docs/porting.md).", name=name)
    raise AttributeError(f"module 'rtc' has no attribute {name!r}")


def refuse_attribute(name: str) -> AttributeError:
    """What `stream.name` raises."""
    why = f": {_ABSENT_OF_STREAM[name]} (docs/porting.md)." if name in _ABSENT_OF_STREAM else ""
    return AttributeError(f"'Stream' object has no attribute {name!r}{why}")


_STAND_INS = {"kokoro": "hibari", "moonshine/base": "moonshine/tiny"}


def model_here(name: str) -> str:
    """The name of the model that does the work of one of FastRTC's; that another does is warned of."""
    if name not in _STAND_INS:
        return name
    stand_in = _STAND_INS[name]
    warnings.warn(f"No package carries the weights of the model {name!r}; {stand_in!r} stands in.", stacklevel=4)
    return stand_in
