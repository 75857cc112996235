"""Plain frames past Daphne's WebSocket library, Autobahn: an echo costs a third less so."""

import logging
import time
from collections.abc import Callable
from typing import Any

from rtc.flushing import writer
from rtc.inflow import Throttle
from rtc.plain_frames import MEDIUM, Offer, is_plain_size, plain_frame, unmasked

logger = logging.getLogger(__name__)

USED_OF_AUTOBAHN = (
    "STATE_OPEN",
    "state",
    "data",
    "current_frame",
    "inside_message",
    "send_queue",
    "trafficStats",
    "autoPingTimeoutCall",
    "maxMessagePayloadSize",
    "maxFramePayloadSize",
    "_perMessageCompress",
)
USED_OF_DAPHNE = ("application_queue", "last_ping")
"""Not all of them may be there in all releases."""


def is_plain(protocol: Any, queue: Any) -> bool:
    """Whether that is an end of Daphne's that `Outlet` is for, and puts messages into that queue."""
    return is_open(protocol) and queue is protocol.application_queue


def is_open(protocol: Any) -> bool:
    """Whether that is Daphne's end of an open WebSocket, with nothing compressed, as far as it is known here."""
    return (
        all(hasattr(protocol, name) for name in USED_OF_AUTOBAHN + USED_OF_DAPHNE)
        and protocol.state == protocol.STATE_OPEN
        and protocol._perMessageCompress is None
        and not any(0 < limit <= MEDIUM for limit in (protocol.maxMessagePayloadSize, protocol.maxFramePayloadSize))
    )


def tap(throttle: Throttle, offer: Offer) -> Callable[[], None]:
    """Offer the frames that it reads, before its library sees them; gives what ends that."""
    protocol, receive_data = throttle.protocol, throttle.receive
    queue, traffic, open_state = protocol.application_queue, protocol.trafficStats, protocol.STATE_OPEN

    def receive(data: bytes) -> None:
        if protocol.data or protocol.current_frame is not None or protocol.inside_message:
            receive_data(data)
            return
        begin = 0
        # A pong that is waited for is Autobahn's to forget about, when something else comes.
        while queue.empty() and protocol.state == open_state and not protocol.autoPingTimeoutCall:
            end = _offered(data, begin, offer)
            if not end:
                break
            traffic.incomingWebSocketFrames += 1  # they count, however they were read
            begin = end
        if begin:
            protocol.last_ping = time.time()  # by Daphne's name: when it last heard anything
        if begin < len(data):
            receive_data(data[begin:])

    throttle.receive = receive

    def undo() -> None:
        throttle.receive = receive_data

    return undo


def _offered(data: bytes, begin: int, offer: Offer) -> int:
    try:
        return offer(data, begin, unmasked)
    except Exception:
        logger.exception("a frame could not be taken")  # Twisted drops the connection, and says nothing
        raise


class Outlet:
    """Of Daphne's end of an open WebSocket on which nothing is compressed.

    Args:
        written: called after each message.
    """

    def __init__(self, protocol: Any, written: Callable[[], None]) -> None:
        self._protocol = protocol
        self._open = protocol.STATE_OPEN
        self._write = writer(protocol.transport)
        self._written = written

    def write(self, first_byte: bytes, payload: bytes) -> bool:
        """Whether it was written: see `rtc.fast_path.Outlet`."""
        if not is_plain_size(len(payload)) or self._protocol.state != self._open or self._protocol.send_queue:
            return False
        self._write(plain_frame(first_byte, payload))
        self._written()
        return True
