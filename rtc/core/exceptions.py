"""The one exception hierarchy. Exceptions carry data; the text is made in `__str__`."""


class RTCError(Exception):
    """Anything this package raises on purpose."""


class ProtocolError(RTCError):
    """The client sent something the wire does not allow.

    Args:
        code: the machine word a client can switch on, such as `bad_json`.
        detail: a sentence for the person who reads the client's log.
        close_code: set when the session can't go on; the WebSocket close code to end it with.
    """

    def __init__(self, code: str, detail: str, close_code: int | None = None) -> None:
        super().__init__(code, detail, close_code)
        self.code = code
        self.detail = detail
        self.close_code = close_code

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class InvalidState(RTCError):
    """An event of our own reached a session in a state that has no use for it."""

    def __init__(self, event: str, state: str) -> None:
        super().__init__(event, state)
        self.event = event
        self.state = state

    def __str__(self) -> str:
        return f"{self.event} can't happen to a session that is {self.state}"


class HandlerError(RTCError):
    """The user's handler raised, or handed over something that is not audio; the cause is chained."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(where, detail)
        self.where = where
        self.detail = detail

    def __str__(self) -> str:
        return f"the handler failed in {self.where}(): {self.detail}"


class Refused(RTCError):
    """A session was not admitted.

    Args:
        reason: `concurrency_limit_reached`, `connection_already_exists`, …
        close_code: the WebSocket close code that says the same.
        limit: the number that was reached, where there is one.
        text: for the person at the other end.
    """

    def __init__(self, reason: str, close_code: int, limit: int | None = None, text: str = "") -> None:
        super().__init__(reason, close_code, limit, text)
        self.reason = reason
        self.close_code = close_code
        self.limit = limit
        self.text = text

    def __str__(self) -> str:
        return self.reason if self.limit is None else f"{self.reason} ({self.limit})"
