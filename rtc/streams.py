"""`Stream`: a handler and the rules its sessions run by."""

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, get_args

from django.core.exceptions import ImproperlyConfigured

from rtc.functions import from_function, positional_parameters
from rtc.handlers import AsyncStreamHandler, HandlerBase, StreamHandler
from rtc.porting import refuse_attribute

Mode = Literal["send-receive", "send", "receive"]
Handler = StreamHandler | AsyncStreamHandler


class Stream:
    """A voice stream that clients can call.

    Args:
        handler: an instance or a class of `StreamHandler` or `AsyncStreamHandler`; a function or generator of audio,
            sync or async (see `rtc.functions`); or, except in mode `receive`, a function without parameters that makes
            a handler.
        mode: as the client sees it: `send` takes its audio in and sends none, `receive` sends audio and takes none.
        modality: `audio`.
        concurrency_limit: how many sessions may run at once, over all workers; None or "default": no limit.
        time_limit: seconds a session may last. At the limit no more audio is taken in, what is queued is played,
            and it ends.
        idle_timeout: seconds without a word from the client before the session ends; None: `RTC_IDLE_TIMEOUT_S`.
        authorize: called with a `SessionRequest` before a session starts, sync (in a thread) or async; the session is
            refused when it returns something false or raises `PermissionDenied`, whose text the client is told.
        input_form: a Django form class that inputs must satisfy; the handler gets its `cleaned_data`, in order.
        name, description: for people, on pages and in the admin.
        **others: what FastRTC's `Stream` takes besides is accepted and not used; `ui_args["title"]` and
            `["subtitle"]` serve as name and description.

    Raises:
        ImproperlyConfigured: for a modality, mode or handler that can't be served.
    """

    def __init__(
        self,
        handler: HandlerBase | type[HandlerBase] | Callable[..., Any],
        *,
        mode: Mode = "send-receive",
        modality: str = "audio",
        concurrency_limit: int | Literal["default"] | None = None,
        time_limit: float | None = None,
        idle_timeout: float | None = None,
        authorize: Callable[[Any], Any] | None = None,
        input_form: type[Any] | None = None,
        name: str = "",
        description: str = "",
        **others: Any,
    ) -> None:
        if modality != "audio":
            raise ImproperlyConfigured(f"modality {modality!r} can't be served over a WebSocket; only 'audio' can.")
        if mode not in get_args(Mode):
            raise ImproperlyConfigured(f"mode {mode!r} is none of {', '.join(get_args(Mode))}.")
        _refuse_unknown(others)
        self.handler = handler
        self.mode: Mode = mode
        self.modality = modality
        self.concurrency_limit = None if concurrency_limit == "default" else concurrency_limit
        self.time_limit = time_limit
        self.idle_timeout = idle_timeout
        self.authorize = authorize
        self.input_form = input_form
        texts = others.get("ui_args") or {}
        self.name = name or texts.get("title", "")
        self.description = description or texts.get("subtitle", "")
        self._make = self._maker()
        self._sample_rates: tuple[int, int] | None = None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise refuse_attribute(name)

    @property
    def takes_audio(self) -> bool:
        return self.mode != "receive"

    @property
    def sends_audio(self) -> bool:
        return self.mode != "send"

    def new_handler(self) -> Handler:
        """A handler for one session."""
        handler = self._make()
        if not isinstance(handler, Handler):
            raise ImproperlyConfigured(f"{self.handler!r} made a {type(handler).__name__}, not a stream handler.")
        self._sample_rates = handler.input_sample_rate, handler.output_sample_rate
        return handler

    def sample_rates(self) -> tuple[int, int]:
        """Hz of the handler's input and output. Where no handler was made yet, one is made to know, once.

        That one is not shut down: it has no session, which `shutdown()` may count on, and it may block.
        """
        if isinstance(self.handler, HandlerBase):
            return self.handler.input_sample_rate, self.handler.output_sample_rate
        if self._sample_rates is None:
            # A constructor may need a running loop, as it has in a session, and who asks may have one or not.
            with ThreadPoolExecutor(1) as executor:
                executor.submit(asyncio.run, self._try_handler()).result()
        assert self._sample_rates is not None  # set by `new_handler`
        return self._sample_rates

    async def _try_handler(self) -> None:
        self.new_handler()

    def _maker(self) -> Callable[[], Any]:
        handler = self.handler
        if isinstance(handler, HandlerBase):
            return handler.copy
        if inspect.isclass(handler) and issubclass(handler, HandlerBase):
            return handler
        if not callable(handler):
            raise ImproperlyConfigured(f"{handler!r} is no stream handler and can't be called.")
        if self.takes_audio and not positional_parameters(handler):
            return handler
        return lambda: from_function(handler, takes_audio=self.takes_audio)


_UNUSED = {
    "additional_outputs_handler",
    "allow_extra_tracks",
    "rtp_params",
    "rtc_configuration",
    "server_rtc_configuration",
    "track_constraints",
    "verbose",
    "additional_inputs",
    "additional_outputs",
    "ui_args",
}


def _refuse_unknown(others: dict[str, Any]) -> None:
    unknown = sorted(set(others) - _UNUSED)
    if unknown:
        raise TypeError(f"Stream() got an unexpected keyword argument {unknown[0]!r}")
