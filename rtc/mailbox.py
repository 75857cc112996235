"""What a worker may be asked about the sessions that it runs: by code in the same process directly, by other workers
with a message.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models.functions import Now

from rtc import inputs
from rtc.answers import Refusal
from rtc.conf import conf
from rtc.database import perform
from rtc.lookup import FoundSession
from rtc.models import Parcel, Session, Worker
from rtc.post import local_post
from rtc.questions import Message, NoAnswer, Unreachable, answers
from rtc.worker import local_worker, workers

PARCEL_KEPT = timedelta(minutes=1)
"""How long what was sent to a worker that is gone is kept."""
OK: Message = {"status": 200}

HANG_UP, CLEAR = "hang_up", "clear"


# Inputs ------------------------------------------------------------------------------------------------------------


async def give_input(session: FoundSession, message: dict[str, Any], text: str) -> None:
    """Hand an input to a session, wherever it runs; returns when its worker has it.

    Args:
        text: the JSON that `message` was read from.

    Raises:
        Refusal: 400, 409 or 410 of `rtc.inputs`; 503 when its worker can't be reached; 504 when that has not answered
            within `RTC_ANSWER_TIMEOUT_S`.
    """
    worker = local_worker()
    call = worker.calls.get(session.pk)
    if call is not None:
        await inputs.take(call, session.pk, message, text)
        return
    if session.state == Session.State.ENDED or worker.runs(session.worker_id):
        raise await inputs.not_taking(session.pk)
    question: Message = {"kind": "input", "session": session.pk}
    if len(text) > conf.RTC_MESSAGE_CHARS and session.mailbox:
        question["parcel"] = await _pack(text)
    else:
        question["text"] = text
    answer = await _ask_for_input(session, question)
    if answer["status"] != OK["status"]:
        raise Refusal.from_json(answer)


async def _ask_for_input(session: FoundSession, question: Message) -> Message:
    unreachable = Refusal(503, "worker_unreachable", "The session runs on a worker that can't be reached from here.")
    try:
        return await local_post().ask(session.mailbox, question, conf.RTC_ANSWER_TIMEOUT_S)
    except Unreachable as error:
        raise unreachable from error
    except NoAnswer as error:
        if not await _worker_beats(session.pk):
            raise unreachable from error
        raise Refusal(504, "no_answer", "The session's worker did not answer in time.") from error


async def _worker_beats(session_pk: int) -> bool:
    """Whether a session's worker has recorded lately that it lives."""
    silent = Now() - timedelta(seconds=2 * conf.RTC_HEARTBEAT_S)
    return await Worker.objects.filter(sessions=session_pk, ended_at=None, last_beat_at__gte=silent).aexists()


async def _pack(text: str) -> int:
    await Parcel.objects.filter(created_at__lt=Now() - PARCEL_KEPT).adelete()
    return (await Parcel.objects.acreate(content=text)).pk


def _unpack(pk: int) -> str:
    """Raises: Parcel.DoesNotExist."""
    parcel = Parcel.objects.get(pk=pk)
    parcel.delete()
    return parcel.content


@answers("input")
async def _take_input(question: Message) -> Message:
    call = local_worker().calls.get(question["session"])
    text = await perform(_unpack, question["parcel"]) if "parcel" in question else question["text"]
    try:
        if call is None:
            raise await inputs.not_taking(question["session"])
        await inputs.take(call, question["session"], inputs.parse(text), text)
    except Refusal as refusal:
        return refusal.to_json()
    return OK


# Hanging up, clearing ----------------------------------------------------------------------------------------------


async def ahang_up(session_pks: Collection[int], text: str = "") -> set[int]:
    """Have live sessions ended, wherever they run; `text` is told to their clients.

    Returns: the primary keys of those whose worker has taken it up; others could not be reached, or are over.
    """
    return await _reach(HANG_UP, session_pks, text)


async def aclear(session_pks: Collection[int]) -> set[int]:
    """Have all audio dropped that the clients of these sessions have not heard yet. Returns: as `ahang_up`."""
    return await _reach(CLEAR, session_pks)


hang_up = async_to_sync(ahang_up)
clear = async_to_sync(aclear)


async def _reach(kind: str, session_pks: Collection[int], *args: str) -> set[int]:
    reached = {pk for pk in session_pks if _reach_here(kind, pk, *args)}
    elsewhere = await perform(_by_address, [pk for pk in session_pks if pk not in reached])
    questions = [
        _ask(address, {"kind": kind, "sessions": pks, "args": list(args)}) for address, pks in elsewhere.items()
    ]
    for answer in await asyncio.gather(*questions):
        if answer is not None:
            reached.update(answer["reached"])
    return reached


def _reach_here(kind: str, session_pk: int, *args: str) -> bool:
    """Whether the session runs in this process, so that it could be asked."""
    for loop, local in workers():
        call = local.calls.get(session_pk)
        if call is None:
            continue
        try:
            loop.call_soon_threadsafe(getattr(call, kind), *args)
        except RuntimeError:  # that loop was closed meanwhile
            continue
        return True
    return False


def _by_address(session_pks: Collection[int]) -> dict[str, list[int]]:
    """Live sessions, by where their worker receives messages."""
    found: dict[str, list[int]] = {}
    if session_pks:
        live = Session.objects.live().filter(pk__in=session_pks, worker__ended_at=None, worker__isnull=False)
        for pk, address in live.values_list("pk", "worker__mailbox"):
            found.setdefault(address, []).append(pk)
    return found


async def _ask(address: str, question: Message) -> Message | None:
    try:
        return await local_post().ask(address, question, conf.RTC_ANSWER_TIMEOUT_S)
    except (Unreachable, NoAnswer):
        return None


@answers(HANG_UP)
@answers(CLEAR)
async def _do(question: Message) -> Message:
    return {"reached": [pk for pk in question["sessions"] if _reach_here(question["kind"], pk, *question["args"])]}


# Draining ----------------------------------------------------------------------------------------------------------


@async_to_sync
async def urge_to_drain(addresses: Collection[str]) -> None:
    """Have workers look at once whether they shall drain, which they would find out at their next beat. Those that
    can't be reached will.
    """
    await asyncio.gather(*(_ask(address, {"kind": "drain"}) for address in addresses))


@answers("drain")
async def _drain(question: Message) -> Message:
    local_worker().drain()
    return OK
