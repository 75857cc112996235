"""What happened in a session, merged from its rows and ordered by time."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Left, Length

from rtc.models import Input, Output, Session, TimelineEntry

PAGE_LENGTH = 100
SHORT_CHARS = 160
LONGEST_CHARS = 10_000
"""How much of a payload the page holds, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline.

    Args:
        key: tells it from all others of the session; a moment never changes.
        offset_s: seconds since the session started.
        payload: JSON, perhaps cut at LONGEST_CHARS; None when there is none, or it is not for the reader's eyes.
        size: of the whole payload, in characters.
    """

    key: str
    kind: str
    at: datetime
    offset_s: float
    text: str = ""
    payload: str | None = None
    size: int = 0

    @property
    def offset(self) -> str:
        return f"{'-' if self.offset_s < 0 else '+'}{clock(abs(self.offset_s), tenths=True)}"

    @property
    def short(self) -> str:
        return (self.payload or "")[:SHORT_CHARS]

    @property
    def is_long(self) -> bool:
        return self.payload is not None and len(self.payload) > SHORT_CHARS

    @property
    def is_cut(self) -> bool:
        return self.payload is not None and self.size > LONGEST_CHARS


def clock(seconds: float, *, tenths: bool = False) -> str:
    """A span of time as m:ss or h:mm:ss."""
    whole, fraction = divmod(round(seconds * 10), 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{text}.{fraction}" if tenths else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One page of it: the newest moments are on page 1, in the order in which they happened."""

    moments: list[Moment]
    page: Page[Any]


def read_timeline(session: Session, page_number: Any, *, inputs: bool, outputs: bool) -> Timeline:
    """Takes a constant number of queries.

    Args:
        page_number: as asked for, unchecked.
        inputs, outputs: whether the reader may see what they hold; else only that there were some.
    """
    page = Paginator(_index(session), PAGE_LENGTH).get_page(page_number)
    keys: dict[str, list[int]] = {"input": [], "output": [], "entry": []}
    for _, kind, pk in page.object_list:
        keys[kind].append(pk)
    moments = [
        *_payload_moments(session, "input", Input.objects.filter(pk__in=keys["input"]), readable=inputs),
        *_payload_moments(session, "output", Output.objects.filter(pk__in=keys["output"]), readable=outputs),
        *_entry_moments(session, TimelineEntry.objects.filter(pk__in=keys["entry"])),
    ]
    moments.sort(key=lambda moment: moment.at)
    if not page.has_next():
        moments.insert(0, _started(session))
    if not page.has_previous() and session.ended_at is not None:
        moments.append(_ended(session, session.ended_at))
    return Timeline(moments=moments, page=page)


def _index(session: Session) -> QuerySet[Any, Any]:
    """(time, kind, primary key) of all moments with a row of their own, newest first."""

    def rows(model: Any, kind: str) -> QuerySet[Any, Any]:
        kinds = Value(kind, output_field=CharField())
        return (
            model.objects.filter(session=session)
            .order_by()
            .annotate(at=F("created_at"), row_kind=kinds, row=F("pk"))
            .values_list("at", "row_kind", "row")
        )

    union = rows(Input, "input").union(rows(Output, "output"), rows(TimelineEntry, "entry"), all=True)
    return union.order_by("-at", "row_kind", "-row")


def _payload_moments(session: Session, kind: str, rows: QuerySet[Any], *, readable: bool) -> Iterable[Moment]:
    rows = rows.defer("payload").annotate(chars=Length("payload"))
    if readable:
        rows = rows.annotate(seen=Left("payload", LONGEST_CHARS))
    for row in rows.order_by("pk"):
        size = row.size if kind == "input" else row.chars
        yield Moment(
            key=f"{kind}-{row.pk}",
            kind=kind,
            at=row.created_at,
            offset_s=_offset_s(session, row.created_at),
            text=f"number {row.position}" if kind == "output" else "",
            payload=legible(row.seen) if readable else None,
            size=size,
        )


def _entry_moments(session: Session, rows: QuerySet[TimelineEntry]) -> Iterable[Moment]:
    for row in rows.order_by("pk"):
        yield Moment(
            key=f"entry-{row.pk}",
            kind=row.kind,
            at=row.created_at,
            offset_s=_offset_s(session, row.created_at),
            text=row.text,
        )


def _started(session: Session) -> Moment:
    who = session.user.get_username() if session.user is not None else "nobody logged in"
    return Moment(key="started", kind="started", at=session.started_at, offset_s=0.0, text=f"by {who}")


def _ended(session: Session, at: datetime) -> Moment:
    code = "" if session.close_code is None else f", close code {session.close_code}"
    text = f"{session.end_reason or 'no reason recorded'}{code}"
    return Moment(key="ended", kind="ended", at=at, offset_s=_offset_s(session, at), text=text)


def _offset_s(session: Session, at: datetime) -> float:
    return (at - session.started_at).total_seconds()


def legible(payload: str) -> str:
    """JSON with its escaped letters put back, where that can be done and shown."""
    try:
        text = json.dumps(json.loads(payload), ensure_ascii=False)
    except (ValueError, RecursionError):  # cut short, or nested too deeply
        return payload
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate can't be sent
