"""What one call leaves behind: its outputs, inputs, timeline and end."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

from rtc.conf import conf
from rtc.journal import ActiveRecord, EndRecord, EntryRecord, InputRecord, OutputRecord, SignalRecord, journal
from rtc.news import announce
from rtc.particulars import Figures
from rtc.payloads import input_payload, output_payload
from rtc.signals import handler_failed, turn_finished
from rtc.tally import tally
from rtc.wakeup import Wakeup

INPUTS_WAITING = 100
"""How many inputs of one session wait for the database with their text. Of those that come behind them, only that they
came goes on record, and how long they were: the handler has them, and a lock is no reason to keep it waiting."""
WRITTEN_CHARS = 32 * 1024
"""A body longer than that is not written as JSON anew for the record, which would keep only the beginning of it: 2 MB
of numbers take 100 ms, in which no audio moves."""


class CallRecord:
    """The record of one session, by its row's primary key. Used on the event loop; nothing here waits for the database
    but `output`, and that only behind `RTC_OUTPUT_QUEUE` outputs of this session's own.
    """

    def __init__(self, pk: int, user: Any) -> None:
        self.pk = pk
        self.user = user
        self._loop = asyncio.get_running_loop()
        self._position = 0
        self._stored = 0
        self._emitted_at: deque[float] = deque()
        self._tell_stored: Callable[[int], None]
        self._entries = 0
        self._inputs_waiting = 0
        # One for each who may wait: a thread's emission may wait for room while the end waits for all to be stored.
        self._room = Wakeup()
        self._progress = Wakeup()
        self._ended = False

    def started(self) -> None:
        """Note that the handler is about to run."""
        journal.add(ActiveRecord(session_pk=self.pk))

    async def output(self, args: tuple[Any, ...], stored: Callable[[int], None], *, payload: str | None = None) -> None:
        """Store one additional output and announce it; `stored` is called on the event loop once it is there, with how
        many are there that it was not called for yet. What a handler still puts out after the end goes nowhere.

        Args:
            payload: its JSON, where it was made already.

        Raises:
            TypeError, ValueError: it can't be written as JSON.
        """
        if payload is None:
            payload = output_payload(args)
        while self._position - self._stored >= conf.RTC_OUTPUT_QUEUE:
            await self._room.wait()
        if self._ended:  # readers have been told that there is no more
            return
        self._position += 1
        self._emitted_at.append(self._loop.time())
        self._tell_stored = stored
        journal.add(
            OutputRecord(session_pk=self.pk, position=self._position, payload=payload, settled=self._outputs_settled)
        )

    async def flush(self) -> None:
        """Wait until all outputs so far are stored and announced."""
        while self._stored < self._position:
            await self._progress.wait()

    def input(self, values: list[Any], body: str = "") -> None:
        """Note an input that the handler has.

        Args:
            body: the JSON that it came in, if it did. Of a long one, what is kept is cut from that as it is.
        """
        tally.inputs += 1
        kept = conf.RTC_STORED_INPUT_CHARS if self._inputs_waiting < INPUTS_WAITING else 0
        whole = body if len(body) > max(WRITTEN_CHARS, kept) else input_payload(values)
        self._inputs_waiting += 1
        journal.add(
            InputRecord(session_pk=self.pk, payload=whole[:kept], size=len(whole), settled=self._inputs_settled)
        )

    def entry(self, kind: str, text: str = "") -> None:
        """Note something on the timeline; text is for people with permission to see sessions, never content."""
        if self._entries < conf.RTC_TIMELINE_LIMIT:
            self._entries += 1
            journal.add(EntryRecord(session_pk=self.pk, kind=kind, text=text))

    def turn(self, figures: dict[str, Any]) -> None:
        """Note a turn that is finished, and tell who listens to `turn_finished`, once it is on record."""
        tally.turn(figures["delay_s"])
        self.entry("turn", describe(figures))
        self._tell(turn_finished, turn=figures)

    def failed(self, error: Exception) -> None:
        """Note that the handler has failed, and tell who listens to `handler_failed`, once it is on record."""
        self.entry("failed", type(error.__cause__ or error).__name__)
        self._tell(handler_failed, error=error)

    def _tell(self, signal: Signal, **named: Any) -> None:
        journal.add(SignalRecord(session_pk=self.pk, signal=signal, named={"session_pk": self.pk, **named}))

    def ended(self, reason: str, close_code: int | None, figures: Figures) -> None:
        if not self._ended:
            self._ended = True
            tally.end(reason, figures)
            journal.add(
                EndRecord(
                    session_pk=self.pk,
                    reason=reason,
                    close_code=close_code,
                    figures=figures,
                    settled=self._end_settled,
                )
            )

    def _end_settled(self, count: int) -> None:
        announce(self.pk)  # only now do readers learn of the end whatever they had read: see `rtc.recent`

    def _inputs_settled(self, count: int) -> None:
        self._call_soon(self._inputs_stored, count)

    def _inputs_stored(self, count: int) -> None:
        self._inputs_waiting -= count

    def _outputs_settled(self, count: int) -> None:
        self._call_soon(self._outputs_stored, count)

    def _outputs_stored(self, count: int) -> None:
        announce(self.pk)
        now = self._loop.time()
        for _ in range(count):
            tally.output.add(now - self._emitted_at.popleft())
        tally.outputs += count
        self._stored += count
        self._room.set()
        self._tell_stored(count)
        self._progress.set()

    def _call_soon(self, callback: Callable[..., None], *args: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *args)


def describe(figures: dict[str, Any]) -> str:
    """The figures of a turn as a line of the timeline."""
    after = "no audio" if figures["delay_s"] is None else f"audio after {figures['delay_s'] * 1000:.0f} ms"
    words = [word for word in ("interrupted", "failed") if figures[word]]
    heard = f"heard {figures['heard_s']:.1f} of {figures['reply_s']:.1f} s"
    return ", ".join([f"said {figures['said_s']:.1f} s", after, heard, *words])
