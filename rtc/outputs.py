"""Event streams of outputs. The only file that knows django-eventstream.

It serves our channels from our own table. What it keeps for a listener in memory can be lost, doubled or out of order,
so an announcement carries nothing: it makes the listener read the table again from the last event that it gave.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import Error, connection
from django_eventstream import views
from django_eventstream.event import Event
from django_eventstream.eventstream import EventPermissionError
from django_eventstream.storage import DjangoModelStorage
from django_eventstream.utils import get_storage, sse_encode_event

from rtc.models import Output, Session
from rtc.pace import pace
from rtc.reading import read
from rtc.recent import recent

logger = logging.getLogger(__name__)

GATHER_S = 0.05
"""How long a reader gathers outputs that come thick and fast. Each read takes the interpreter from the audio."""
READ_ROWS = 100
"""How many events are read at a time, at most."""
READ_CHARS = 256 * 1024
"""From how many characters of payload on no more are read at that time: each reader has its own in memory."""
STREAM_OPEN = "event: stream-open\ndata:\n\n"
KEEP_ALIVE = "event: keep-alive\ndata:\n\n"
KEEP_ALIVE_S = 20.0

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
            rows = list(_fitting(cursor))
        events = [Event(channel, OUTPUT, payload, id=at) for _, _, at, payload in rows if at is not None]
        state, reason = rows[0][:2] if rows else (Session.State.ENDED, DELETED)
        if state == Session.State.ENDED and not _may_be_more(events, limit):
            end_id = (events[-1].id if events else last_id) + 1
            events.append(Event(channel, END, json.dumps({"reason": reason}), id=end_id))
        return events

    def get_current_id(self, channel: str) -> int:
        """What a reader without an id starts behind: in our channels, nothing."""
        if _CHANNEL.fullmatch(channel) is None:
            return super().get_current_id(channel)
        _check_admitted(channel)
        return 0


def _fitting(rows: Iterable[Any]) -> Iterator[Any]:
    """Rows up to `READ_CHARS`, the last of which may exceed it. What is behind them SQLite has not read either."""
    chars = 0
    for row in rows:
        yield row
        chars += len(row[-1] or "")
        if chars >= READ_CHARS:
            return


def _may_be_more(events: list[Event], limit: int) -> bool:
    """Whether that was as much as is read at a time."""
    return len(events) >= limit or sum(len(event.data) for event in events) >= READ_CHARS


def _check_admitted(channel: str) -> None:
    if _admitted.get() != channel:
        raise EventPermissionError(f"Permission denied to channels: {channel}", channels=[channel])


class OutputListenerManager(views.ListenerManager):
    """Wakes listeners of our channels without handing them anything. Once `closing`, none of them listens on."""

    closing = False

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

    def close(self) -> None:
        self.closing = True
        sessions, waited_for = self.listened()
        for channel in [*map(channel_of, sessions), *map(_waiting_channel, waited_for)]:
            self.wake(channel)

    def listened(self) -> tuple[set[int], set[str]]:
        """The sessions that have listeners, by primary key, and those waited for, by session id."""
        with self.lock:
            channels = list(self.listeners_by_channel)
        waiting = _waiting_channel("")
        sessions = {int(found[1]) for channel in channels if (found := _CHANNEL.fullmatch(channel))}
        return sessions, {channel.removeprefix(waiting) for channel in channels if channel.startswith(waiting)}


class OutputListener(views.Listener):
    """Is woken at once when it has slept, then at most every `GATHER_S`, so that it reads many outputs at a time."""

    def __init__(self, channel: str) -> None:
        super().__init__()
        self.channels = {channel}
        self._rested_at = 0.0

    def wake_threadsafe(self) -> None:
        try:
            here = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            here = False
        if here:
            self._wake_rested()
        else:
            self.loop.call_soon_threadsafe(self._wake_rested)

    def _wake_rested(self) -> None:
        now = self.loop.time()
        wake_at = pace.next(max(now, self._rested_at))
        self._rested_at = wake_at + GATHER_S
        if wake_at <= now:
            self.aevent.set()
        else:
            self.loop.call_at(wake_at, self.aevent.set)

    async def announced(self, timeout_s: float) -> bool:
        """Whether something was announced since the last time this was asked; waits for it so long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.aevent.wait()
        except TimeoutError:
            return False
        with _listeners.lock:
            self.overflow = False
            self.aevent.clear()
        return True


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
close = _listeners.close
"""Have all event streams end when they have said what there is so far, for a server that waits for them to stop. Theirs
may be sessions of other workers, which go on: readers come again there, and are told no `end` here. From any thread.
"""


def closing() -> bool:
    return _listeners.closing


def announce(session_pk: int) -> None:
    """Tell readers that this session has a new output, or has ended. From any thread."""
    _listeners.wake(channel_of(session_pk))


def announce_start(session_id: str) -> None:
    """Tell readers who wait for a session with that id that there is one. From any thread."""
    _listeners.wake(_waiting_channel(session_id))


@contextmanager
def _listening(channel: str) -> Iterator[OutputListener]:
    """Within it, what is announced in that channel is heard. On the event loop."""
    listener = OutputListener(channel)
    listener.assign_loop()
    _listeners.add_listener(listener)
    try:
        yield listener
    finally:
        _listeners.remove_listener(listener)


def waiting_for(session_id: str) -> AbstractContextManager[OutputListener]:
    """Within it, `announce_start` is heard."""
    return _listening(_waiting_channel(session_id))


async def events_after(session_pk: int, position: int) -> AsyncGenerator[str, None]:
    """The event stream of a session's outputs behind that position, as text, to its `end`. Who calls it has checked
    that the reader may see them, and has seen the session there.

    django-eventstream's own stream asks the database each time it is woken, in another thread.
    """
    channel = channel_of(session_pk)
    with _listening(channel) as listener:
        text = STREAM_OPEN
        limit = READ_ROWS
        while True:
            if rows := recent.after(session_pk, position):
                events = [Event(channel, OUTPUT, payload, id=at) for at, payload in rows]
            else:  # come anew, or told of what is not kept here: the end, or what is another process's
                events = await read(_stored_events, channel, position, limit)
            text += "".join(_encode(event) for event in events)
            position = events[-1].id if events else position
            ended = bool(events) and events[-1].type == END
            more = _may_be_more(events, limit)
            # PostgreSQL sends all rows that it is asked for: of large ones, not many more than fit.
            limit = min(READ_ROWS, 2 * len(events)) if more else READ_ROWS
            events = []
            if text:
                yield text
            if ended or (_listeners.closing and not more):
                return
            text = ""
            while not more and not await listener.announced(KEEP_ALIVE_S):
                yield KEEP_ALIVE
                if await _are_more(channel, position):
                    break  # an end that was told of together with an output that was kept here


async def _are_more(channel: str, position: int) -> bool:
    """Whether the database has events behind that position, as far as it can be asked."""
    await pace.turn()
    try:
        return bool(await read(_stored_events, channel, position, 1))
    except Error as error:
        logger.warning("%s can't be looked at now: %s", channel, error)
        return False


def _stored_events(channel: str, position: int, limit: int) -> list[Event]:
    admitted = _admitted.set(channel)
    try:
        events: list[Event] = get_storage().get_events(channel, position, limit)
    finally:
        _admitted.reset(admitted)
    return events


def _encode(event: Event) -> str:
    event_id = f"{event.channel}:{event.id}"
    if "\n" in event.data or "\r" in event.data:  # no JSON of ours
        text: str = sse_encode_event(event.type, event.data, event_id=event_id)
        return text
    # What that gives for a single line, without its regular expressions: 40 µs for each event and reader.
    return f"event: {event.type}\nid: {event_id}\ndata: {event.data}\n\n"
