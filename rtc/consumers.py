"""The Channels shell: accepts sockets, checks where they come from, and hands their frames to a call."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.sessions import InstanceSessionWrapper

from rtc.admission import Admission
from rtc.calls import Call
from rtc.conf import conf
from rtc.core.messages import End, Error, serialize
from rtc.directory import get_stream
from rtc.fast_path import Inlet, Outlet, outlet
from rtc.flushing import flusher
from rtc.handshake import Handshake
from rtc.inflow import Inflow
from rtc.origins import origin_allowed, origin_trusted
from rtc.ownership import owner_keys_of
from rtc.particulars import Caller
from rtc.plain_frames import BINARY, TEXT
from rtc.termination import install
from rtc.transports import protocol_of, unsent_bytes
from rtc.worker import local_worker

logger = logging.getLogger(__name__)

Send = Callable[[Any], Awaitable[None]]

TICKET = "ticket."
"""A subprotocol that starts with this carries a connect ticket."""
NOT_FOUND = 4404


def below_session_middleware(send: Send) -> Send:
    """The `send` that Channels' session middleware wraps.

    The wrapper looks at every message whether it may carry a cookie, through several lazy objects; a WebSocket frame
    can't. `accept` still goes through it.
    """
    wrapper = getattr(send, "__self__", None)
    return wrapper.real_send if isinstance(wrapper, InstanceSessionWrapper) else send


class SocketConsumer(AsyncWebsocketConsumer):
    """Sends to a client that may be gone. It has no channel layer and touches no database connection.

    It reads its socket in a loop of its own, and takes frames without Channels' `aclose_old_connections()`, which would
    send each of them through one thread that all consumers share.
    """

    _open = True
    _outlet: Outlet | None = None
    session_id = ""
    take_audio: Callable[[str | None], bool]
    """Takes a text frame at once, if it is audio: then it is not dispatched."""

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        self.scope = scope
        self.base_send = send
        self._send_frame = below_session_middleware(send)
        self._flush = flusher(self._send_frame)
        self._max_unsent_bytes = conf.RTC_MAX_UNSENT_BYTES
        self._sent = _done_future()
        self.take_audio = _take_none
        self._inflow = Inflow(self._send_frame, conf.RTC_MAX_FRAMES_PER_S, self._look_at_unsent)
        self._inlet = Inlet()
        self._receive = receive
        try:
            while True:
                self._inlet.open(self._take)
                message = await receive()
                self._inlet.shut()
                if not self.take_audio(message.get("text")):
                    await self.dispatch(message)
                if self._inflow.is_spent():
                    await self._inflow.rest()
        except StopConsumer:
            pass
        finally:
            self._inlet.close()

    def _take(self, frame: str | bytes) -> bool:
        """Take a frame where the server has read it, if it is audio that is not too much for this second."""
        if self._inflow.left <= 0:
            return False
        taken = self.take_audio(frame) if isinstance(frame, str) else self._take_binary(frame)
        if not taken:
            return False
        self._inflow.left -= 1
        return True

    def _take_binary(self, payload: bytes) -> bool:
        return False

    async def dispatch(self, message: Any) -> None:
        kind = message["type"]
        if kind == "websocket.receive":
            await self.receive(message.get("text"), message.get("bytes"))
        elif kind == "websocket.connect":
            await self.connect()
        else:
            self._open = False
            raise StopConsumer

    async def refuse(self, reason: str, close_code: int, text: str) -> None:
        """Say why, and close. A refusal before `accept` would reach the client as a bare 403."""
        await self.accept()
        await self.send_text(serialize(Error(code=reason, text=text)))
        await self.send_text(serialize(End(reason=reason, text=text)))
        await self.close_socket(close_code)

    def send_text(self, text: str) -> Awaitable[None]:
        if self._outlet is not None and self._open and self._outlet.write(TEXT, text.encode()):
            return self._sent
        return self._send({"type": "websocket.send", "text": text})

    def send_bytes(self, payload: bytes) -> Awaitable[None]:
        if self._outlet is not None and self._open and self._outlet.write(BINARY, payload):
            return self._sent
        return self._send({"type": "websocket.send", "bytes": payload})

    async def close_socket(self, close_code: int) -> None:
        await self._send({"type": "websocket.close", "code": close_code})
        self._open = False

    async def _send(self, message: dict[str, Any]) -> None:
        if self._open:
            try:
                await self._send_frame(message)
                self._flush_sent()
            except (OSError, RuntimeError):
                # The client went away, and the next thing received says so. Uvicorn raises an OSError then, Daphne's
                # WebSocket library a RuntimeError.
                self._open = False

    def _flush_sent(self) -> None:
        if self._flush is not None and self._flush() > self._max_unsent_bytes:
            self._drop()

    def _look_at_unsent(self) -> None:
        """Daphne has its own answers too, to pings."""
        if self._open and unsent_bytes(protocol_of(self._send_frame).transport) > self._max_unsent_bytes:
            self._drop()

    def _drop(self) -> None:
        """Reset the connection of a client that does not read. What is received next says that it is gone."""
        self._open = False
        logger.warning("session %s: its client does not read, and is cut off", self.session_id)
        protocol_of(self._send_frame).transport.abortConnection()


class NotFoundConsumer(SocketConsumer):
    async def connect(self) -> None:
        await self.refuse("not_found", NOT_FOUND, "There is no WebSocket at this address.")


class MediaConsumer(SocketConsumer):
    """Speaks the media protocol on one socket."""

    _call: Call | None = None

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        # In a task of its own: each frame wakes it alone, and not the coroutine of every middleware around it.
        await asyncio.create_task(self._serve(scope, receive, send))

    async def _serve(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            # The server is going down. What is sent now gets out.
            if self._call is not None:
                await self._call.expel("shutting_down")
            raise
        finally:
            if self._call is not None:
                await self._call.leave()

    async def connect(self) -> None:
        route = self.scope["url_route"]["kwargs"]
        alias = route["alias"]
        stream = get_stream(alias)
        if stream is None:
            await self.refuse("no_such_stream", NOT_FOUND, f"There is no stream {alias!r}.")
            return
        subprotocol = _ticket_protocol(self.scope)
        ticket = route.get("ticket") or (subprotocol or "").removeprefix(TICKET)
        worker = local_worker()
        install(worker)
        admission = Admission(
            stream,
            alias,
            await self._caller(),
            worker,
            ticket=ticket,
            foreign_origin=not origin_allowed(self.scope["headers"]),
        )
        await self.accept(subprotocol)
        self._inlet.install(self._receive, self._inflow.throttle)
        self._outlet = outlet(self._send_frame, self._flush_sent)
        self._call = Call(self, stream, alias, admission, worker.calls)
        self.take_audio = self._call.take_audio

    @property
    def session_id(self) -> str:  # type: ignore[override]
        return "" if self._call is None else self._call.session_id

    @property
    def handshake(self) -> Handshake:
        return Handshake(self.scope, is_trusted=origin_trusted(self.scope["headers"]))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._call is not None:
            await self._call.receive(text_data, bytes_data)

    def _take_binary(self, payload: bytes) -> bool:
        return self._call is not None and self._call.take_binary(payload)

    async def _caller(self) -> Caller:
        trusted = origin_trusted(self.scope["headers"])  # else cookies don't count, as in `rtc.ownership.claim_of`
        user = self.scope.get("user") if trusted else None
        session = self.scope.get("session") if trusted else None
        client = self.scope.get("client")
        headers = dict(self.scope["headers"])
        return Caller(
            user=user if user is not None and user.is_authenticated else None,
            owner_key=next(iter(await owner_keys_of(session)), ""),
            address=_address(client[0]) if client else None,
            user_agent=headers.get(b"user-agent", b"").decode("latin-1").replace("\0", ""),
        )


def _ticket_protocol(scope: Any) -> str | None:
    """The subprotocol that carries a ticket. Only one that stands in the header as it is can be agreed to: Daphne has
    decoded what it found there, and what it is then told to send it never sends, nor anything else.
    """
    sent = b",".join(value for name, value in scope["headers"] if name == b"sec-websocket-protocol").decode("latin-1")
    offered = {name.strip() for name in sent.split(",")} if sent else set(scope.get("subprotocols", []))
    return next((name for name in scope.get("subprotocols", []) if name.startswith(TICKET) and name in offered), None)


def _take_none(text: str | None) -> bool:
    return False


def _done_future() -> "asyncio.Future[None]":
    """What to await of what is done already: that costs less than a coroutine."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def _address(text: str) -> str | None:
    """The IP address, or None: behind a proxy it is whatever the proxy was told."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None
