"""What bounds one session, taken from the settings when it starts."""

from dataclasses import dataclass

from rtc.conf import conf


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a session, in seconds. `show_errors`: tell clients what an exception of the handler's said."""

    send_lead_s: float
    input_queue_s: float
    output_queue_s: float
    start_up_hold_s: float
    shutdown_timeout_s: float
    show_errors: bool = False


def session_limits() -> Limits:
    return Limits(
        send_lead_s=conf.RTC_SEND_LEAD_MS / 1000,
        input_queue_s=conf.RTC_INPUT_QUEUE_MS / 1000,
        output_queue_s=conf.RTC_OUTPUT_QUEUE_MS / 1000,
        start_up_hold_s=conf.RTC_START_UP_HOLD_MS / 1000,
        shutdown_timeout_s=conf.RTC_SHUTDOWN_TIMEOUT_S,
        show_errors=conf.RTC_SHOW_HANDLER_ERRORS,
    )
