"""Event streams of outputs. The only file that knows django-eventstream.

It serves our channels from our own table. What it keeps for a listener in memory can be lost, doubled or out of order,
so an announcement carries nothing: it makes the listener read the table again from the last event that it gave.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection
from django_eventstream import views
from django_eventstream.event import Event
from django_eventstream.eventrequest import EventRequest
from django_eventstream.eventstream import EventPermissionError
from django_eventstream.storage import DjangoModelStorage

from rtc.models import Output, Session

logger = logging.getLogger(__name__)

GATHER_S = 0.05
"""How long a reader gathers outputs that come thick and fast. Each read takes the interpreter from the audio."""
READS_PER_S = 250
"""How often all readers of a process together read, at most, once they do so all the time: the more there are, the
longer each gathers."""
READS_IN_A_ROW = 50
"""How many may follow one another faster than that after a rest."""
SPACING_S = 0.002
"""How far apart those are: what sessions emit at the same moment wakes many readers, and audio goes between them."""
LONGEST_TURN_S = 0.2
"""How long a request waits for its turn, at most: a crowd of strangers must not hold up a session's readers."""

OUTPUT = "output"
END = "end"
DELETED = "deleted"

_CHANNEL = re.compile(r"rtc-([0-9]{1,18})")
_EVENT_ID = re.compile(r"rtc-([0-9]{1,18}):([0-9]{1,18})")

_ROWS = f"""
    SELECT s.state, s.end_reason, o.position, o.payload
    FROM {Session._meta.db_table} s LEFT JOIN {Output._meta.db_table} o ON o.session_id = s.id AND o.position > %s
    WHERE s.id = %s ORDER BY o.position LIMIT %s
"""
"""One statement, so that state and rows are of one moment: when it says ended, all outputs are there. Each reader asks
for each output. A query set takes four times as long, 0.43 ms, and audio waits for the interpreter meanwhile.
"""

_LAST = f"SELECT MAX(position) FROM {Output._meta.db_table} WHERE session_id = %s"

_admitted: ContextVar[str] = ContextVar("rtc_admitted_channel", default="")
"""The channel that what runs now may read. A project may route django-eventstream's own view, which asks nobody."""


def channel_of(session_pk: int) -> str:
    return f"rtc-{session_pk}"


def _waiting_channel(session_id: str) -> str:
    return f"rtc-waiting-{session_id}"


def position_of(event_id: str, session_pk: int) -> int:
    """The position in that session's outputs that a `Last-Event-ID` names; 0 for what is none of its ids."""
    found = _EVENT_ID.fullmatch(event_id)
    return int(found[2]) if found and int(found[1]) == session_pk else 0


def last_position(session_pk: int) -> int:
    """The position of the session's last output, or 0. Reads the database."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [session_pk])
        last: int | None = cursor.fetchone()[0]
    return last or 0


def is_event_id(text: str) -> bool:
    return _EVENT_ID.fullmatch(text) is not None


class OutputStorage(DjangoModelStorage):
    """Our channels from our table; the other apps' channels stay where they were."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        if _CHANNEL.fullmatch(channel):
            raise ValueError(f"{channel} takes no events: handlers emit AdditionalOutputs")
        return super().append_event(channel, event_type, data)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Raises: EventPermissionError, for a channel of ours on another way than `events_after`."""
        found = _CHANNEL.fullmatch(channel)
        if found is None:
            return super().get_events(channel, last_id, limit)
        _check_admitted(channel)
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, [last_id, int(found[1]), limit])
            rows = cursor.fetchall()
        events = [Event(channel, OUTPUT, payload, id=at) for _, _, at, payload in rows if at is not None]
        state, reason = rows[0][:2] if rows else (Session.State.ENDED, DELETED)
        if state == Session.State.ENDED and len(events) < limit:
            end_id = (events[-1].id if events else last_id) + 1
            events.append(Event(channel, END, json.dumps({"reason": reason}), id=end_id))
        return events

    def get_current_id(self, channel: str) -> int:
        """What a reader without an id starts behind: in our channels, nothing."""
        if _CHANNEL.fullmatch(channel) is None:
            return super().get_current_id(channel)
        _check_admitted(channel)
        return 0


def _check_admitted(channel: str) -> None:
    if _admitted.get() != channel:
        raise EventPermissionError(f"Permission denied to channels: {channel}", channels=[channel])


class OutputListenerManager(views.ListenerManager):
    """Wakes listeners of our channels without handing them anything."""

    def add_to_queues(self, channel: str, event: Event) -> None:
        if _CHANNEL.fullmatch(channel):
            self.wake(channel)
        else:
            super().add_to_queues(channel, event)

    def wake(self, channel: str) -> None:
        with self.lock:
            for listener in self.listeners_by_channel.get(channel, ()):
                if not listener.overflow:  # else it is awake already and has not read yet
                    listener.overflow = True
                    _wake(listener)

    def listened(self) -> tuple[set[int], set[str]]:
        """The sessions that have listeners, by primary key, and those waited for, by session id."""
        with self.lock:
            channels = list(self.listeners_by_channel)
        waiting = _waiting_channel("")
        sessions = {int(found[1]) for channel in channels if (found := _CHANNEL.fullmatch(channel))}
        return sessions, {channel.removeprefix(waiting) for channel in channels if channel.startswith(waiting)}


class Pace:
    """When the next reader of this process may read, by leaky buckets (ITU-T I.371's generic cell rate algorithm)."""

    def __init__(self) -> None:
        self._full_at = 0.0
        self._free_at = 0.0

    def next(self, at: float) -> float:
        """The first time from `at` on, in seconds of the loop's clock, that is free; it is taken."""
        slot_s = 1 / READS_PER_S
        read_at = max(at, self._free_at, self._full_at - READS_IN_A_ROW * slot_s)
        self._full_at = max(at, self._full_at) + slot_s
        self._free_at = read_at + SPACING_S
        return read_at

    async def turn(self) -> None:
        """Wait for it; where the line is too long, for `LONGEST_TURN_S` beside it."""
        now = asyncio.get_running_loop().time()
        too_long = self._free_at - now > LONGEST_TURN_S
        await asyncio.sleep(LONGEST_TURN_S if too_long else self.next(now) - now)


pace = Pace()


class OutputListener(views.Listener):
    """Is woken at once when it has slept, then at most every `GATHER_S`, so that it reads many outputs at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._rested_at = 0.0

    def wake_threadsafe(self) -> None:
        self.loop.call_soon_threadsafe(self._wake_rested)

    def _wake_rested(self) -> None:
        now = self.loop.time()
        wake_at = pace.next(max(now, self._rested_at))
        self._rested_at = wake_at + GATHER_S
        if wake_at <= now:
            self.aevent.set()
        else:
            self.loop.call_at(wake_at, self.aevent.set)


def _wake(listener: views.Listener) -> None:
    try:
        listener.wake_threadsafe()
    except RuntimeError:
        logger.debug("a listener's event loop was closed")  # its reader went with it


_listeners = OutputListenerManager()


def install() -> None:
    """Have django-eventstream use our listener manager."""
    views.listener_manager = _listeners


listened = _listeners.listened


def announce(session_pk: int) -> None:
    """Tell readers that this session has a new output, or has ended. From any thread."""
    _listeners.wake(channel_of(session_pk))


def announce_start(session_id: str) -> None:
    """Tell readers who wait for a session with that id that there is one. From any thread."""
    _listeners.wake(_waiting_channel(session_id))


@contextmanager
def waiting_for(session_id: str) -> Iterator["Start"]:
    """Within it, `announce_start` is heard."""
    listener = OutputListener()
    listener.channels = {_waiting_channel(session_id)}
    listener.assign_loop()
    _listeners.add_listener(listener)
    try:
        yield Start(listener)
    finally:
        _listeners.remove_listener(listener)


class Start:
    """Whether a start was announced since the last time this was asked."""

    def __init__(self, listener: views.Listener) -> None:
        self._listener = listener

    async def announced(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._listener.aevent.wait()
        except TimeoutError:
            return False
        with _listeners.lock:
            self._listener.overflow = False
            self._listener.aevent.clear()
        return True


async def events_after(session_pk: int, position: int) -> AsyncGenerator[str, None]:
    """The event stream of a session's outputs behind that position, as text, to its `end`. Who calls it has checked
    that the reader may see them.
    """
    channel = channel_of(session_pk)
    _admitted.set(channel)
    request = EventRequest()
    request.channels = {channel}
    request.channel_last_ids = {channel: str(position)}
    request.is_next = False
    listener = OutputListener()
    listener.channels = {channel}
    async with aclosing(views.stream(request, listener)) as texts:
        async for text in texts:
            if text:  # nothing new was found, perhaps
                yield text
            if _holds_end(text):
                return
            _admitted.set(channel)  # whoever asks for the next text may be another task


def _holds_end(text: str) -> bool:
    # No data holds a line like it: each line of data begins with `data:`.
    line = f"event: {END}\n"
    return text.startswith(line) or f"\n{line}" in text
