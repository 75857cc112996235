import copy

import pytest

from rtc.core.exceptions import HandlerError, InvalidState, ProtocolError, Refused, RTCError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ProtocolError("bad_json", "the frame is not JSON"), "bad_json: the frame is not JSON"),
        (InvalidState("Admitted", "connected"), "Admitted can't happen to a session that is connected"),
        (HandlerError("emit", "ValueError: no"), "the handler failed in emit(): ValueError: no"),
        (Refused("connection_already_exists", 4409), "connection_already_exists"),
        (Refused("concurrency_limit_reached", 4429, 3), "concurrency_limit_reached (3)"),
        (Refused("not_allowed", 4403, text="Come back on Monday."), "not_allowed"),
    ],
)
def test_exceptions_carry_data_and_make_their_text(error, text):
    assert isinstance(error, RTCError)
    assert str(error) == text
    assert vars(copy.copy(error)) == vars(error)
