"""`GET /outputs`: the additional outputs of one session, as Server-Sent Events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from rtc import news
from rtc.answers import Refusal
from rtc.conf import conf
from rtc.core.messages import SESSION_ID
from rtc.cors import cross_origin
from rtc.flow_control import flow_to
from rtc.lookup import FoundSession
from rtc.models import Session
from rtc.outputs import closing, events_after, is_event_id, position_of, waiting_for
from rtc.ownership import Claim, claim_of, session_for
from rtc.pace import pace
from rtc.reading import leave_request_thread, tidy
from rtc.termination import install
from rtc.watch import watch
from rtc.worker import local_worker

logger = logging.getLogger(__name__)

KEEP_ALIVE = ":\n\n"
KEEP_ALIVE_S = 15.0
OPENING = "retry: 1000\n\n"  # ms until an EventSource that was cut off comes again
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Encoding": "identity",  # GZipMiddleware leaves alone what has an encoding
    "X-Accel-Buffering": "no",
}


@cross_origin("GET")
async def outputs(request: HttpRequest) -> HttpResponseBase:
    """Everything behind `Last-Event-ID` and, without one that we gave for this session, from its first output on.

    An EventSource that a page makes anew can't send that header: `?last_event_id=` serves as well, where it is absent.

    A client may ask before its session has started. The answer to a reader who has had the last event is 204, upon
    which an EventSource stops asking.

    Raises:
        Refusal: 400 for an id that can't be one, 403 for another's session.
    """
    session_id = request.GET.get("webrtc_id", "")
    if not SESSION_ID.fullmatch(session_id):
        raise Refusal(400, "bad_session_id", "webrtc_id is not 1 to 64 of A-Z a-z 0-9 _ . -")
    last_event_id = request.headers.get("Last-Event-ID") or request.GET.get("last_event_id", "")
    await pace.turn()  # readers that were cut off together come again together
    claim = await claim_of(request)
    session = await session_for(claim, session_id)
    position = 0
    if session is not None:
        position, is_over = _place(session, last_event_id)
    else:
        is_over = is_event_id(last_event_id)  # it was deleted
    if is_over:
        return HttpResponse(status=204, headers={"Cache-Control": "no-store"})
    stream = _stream(claim, session_id, session, position, getattr(request, "scope", {}))
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=HEADERS)


def _place(session: FoundSession, last_event_id: str) -> tuple[int, bool]:
    """The position to go on behind, and whether the reader has had the last event."""
    position = position_of(last_event_id, session.pk)
    if position == 0:
        return 0, False
    if position <= session.last_position:
        return position, False
    # Only `end` has an id beyond the outputs.
    return 0, session.state == Session.State.ENDED and position == session.last_position + 1


async def _stream(
    claim: Claim, session_id: str, session: FoundSession | None, position: int, scope: Mapping[str, Any]
) -> AsyncGenerator[str, None]:
    # Each of these steps takes the time of two echoed frames, 0.2 ms: what is due comes in between.
    await asyncio.sleep(0)
    leave_request_thread()
    install(local_worker())  # perhaps no session has been here
    with watch.reading(), flow_to(scope) as flow:
        yield OPENING
        await asyncio.sleep(0)
        try:
            if session is None:
                async with aclosing(_arrival(claim, session_id)) as arrival:
                    async for session in arrival:
                        if session is None:
                            yield KEEP_ALIVE
            if session is not None:
                with news.of_outputs(session.pk):
                    async with aclosing(events_after(session.pk, position)) as events:
                        async for text in events:
                            yield text
                            await flow.room()
        except Error as error:
            logger.warning("session %s: its outputs can't be read; the reader may come again: %s", session_id, error)
            tidy()


async def _arrival(claim: Claim, session_id: str) -> AsyncGenerator[FoundSession | None, None]:
    """The session, when it starts and is the reader's; until then, now and then, None. Ends after `RTC_OUTPUTS_WAIT_S`
    in any case, and when the process is about to stop.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + conf.RTC_OUTPUTS_WAIT_S
    with waiting_for(session_id) as start, news.of_start(session_id):
        while True:
            try:
                session = await session_for(claim, session_id)
            except Refusal:
                return
            if session is not None:
                yield session
                return
            left_s = give_up_at - loop.time()
            if left_s <= 0 or closing():
                return
            if not await start.announced(min(left_s, KEEP_ALIVE_S)):
                yield None
