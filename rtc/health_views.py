"""`/healthz`: the process lives. `/readyz`: it takes new sessions."""

import asyncio
from typing import Any

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rtc.conf import conf
from rtc.database import perform, perform_beside
from rtc.models import Session, Worker
from rtc.post import local_post
from rtc.questions import PING, NoAnswer, Unreachable
from rtc.worker import LocalWorker, local_worker

DATABASE_TIMEOUT_S = 1.0
LAYER_TIMEOUT_S = 0.5
OK, AWAY, NONE, NOT_MIGRATED = "ok", "away", "none", "not_migrated"


@never_cache
@require_safe
async def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": OK})


@never_cache
@require_safe
async def readyz(request: HttpRequest) -> JsonResponse:
    """200 when this process takes new sessions, else 503; why, in JSON.

    That the channel layer is away is told, and alone no reason: sessions start and go on without it.
    """
    worker = local_worker()
    database, layer = await asyncio.gather(_database(worker), _channel_layer())
    ready = (
        database == OK
        and not worker.draining
        and not worker.overloaded
        and not (conf.RTC_READY_NEEDS_CHANNEL_LAYER and layer != OK)
    )
    told: dict[str, Any] = {
        "ready": ready,
        "database": database,
        "channel_layer": layer,
        "draining": worker.draining,
        "lag_ms": round(worker.lag.lag_ms, 1),
        "sessions": len(worker.calls),
    }
    return JsonResponse(told, status=200 if ready else 503)


async def _database(worker: LocalWorker) -> str:
    """Asked where the heartbeat asks: while that waits, this does too. Records have their turn before: while they wait,
    a start would too.
    """
    if worker.failing:
        return AWAY
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            question = _ask_database if worker.found_tables else _ask_tables
            answer, _ = await asyncio.gather(perform_beside(question), perform(int))
    except (Error, TimeoutError):
        return AWAY
    worker.found_tables = answer == OK
    return answer


def _ask_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _ask_tables() -> str:
    """Takes the time of some ten echoed frames, so it is not done again once they were found."""
    _ask_database()
    try:
        for model in (Session, Worker):
            model._default_manager.filter(pk=0).first()  # there is none, but each column is named
    except Error:
        return NOT_MIGRATED
    return OK


async def _channel_layer() -> str:
    """Whether a message to ourselves arrives."""
    post = local_post()
    if not post.address:
        return NONE
    try:
        await post.ask(post.address, {"kind": PING}, LAYER_TIMEOUT_S)
    except (Unreachable, NoAnswer):
        return AWAY
    return OK
