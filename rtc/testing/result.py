"""What a call came to."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """Times are seconds since the client's `start`.

    Args:
        audio: all that the client was sent, end to end: the rate in Hz, and int16 samples of shape (n,).
        pieces: the same with the time each piece came, `(time_s, int16 array)`. Audio is sent up to
            `RTC_SEND_LEAD_MS` before it is to be played.
        outputs: `(time_s, value)` of each `AdditionalOutputs`, as a reader of `/outputs` gets it.
        messages: `(time_s, object)` of all else that was sent.
        errors: the text of each error the client was told. A handler's own exceptions are in the log, and here too
            with `RTC_SHOW_HANDLER_ERRORS`.
        end_reason: such as `client_stop`, `handler_closed`, `handler_failed`, `time_limit`.
        close_code: what the server closed the socket with.
    """

    audio: tuple[int, NDArray[Any]] = field(repr=False)
    pieces: list[tuple[float, NDArray[Any]]] = field(repr=False)
    outputs: list[tuple[float, Any]]
    messages: list[tuple[float, dict[str, Any]]]
    errors: list[str]
    end_reason: str | None
    close_code: int | None
