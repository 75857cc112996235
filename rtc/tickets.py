"""One-use connect tickets: signed, short-lived, bound to a stream and a user.

For who has no cookie of ours: pages on another origin, scripts, telephones. The server side of such a client asks for
one with `make_ticket`; the client shows it in `start.params.ticket`, as the last segment of the socket's path, or as
the subprotocol `ticket.<ticket>`, and later on `/input_hook` and `/outputs` as `?ticket=`.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.utils import timezone

from rtc.conf import conf
from rtc.core.exceptions import RTCError

SALT = "rtc.ticket"
NONCE_BYTES = 18
MAX_SKEW_S = 60
"""How far the clock of who signs may be ahead."""


class BadTicket(RTCError):
    """The ticket is forged, expired, or another stream's."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    stream: str
    user_pk: str | None
    nonce: str
    expires_at: datetime


def _signer() -> signing.TimestampSigner:
    # A subprotocol is a token (RFC 6455, RFC 9110), which the usual separator ":" is no part of.
    return signing.TimestampSigner(salt=SALT, sep=".")


def make_ticket(stream: str = "default", user: Any = None) -> str:
    """A ticket for one session of that stream, as that user. It is good for `RTC_TICKET_MAX_AGE_S` seconds."""
    value = [stream, None if user is None else str(user.pk), secrets.token_urlsafe(NONCE_BYTES)]
    return _signer().sign_object(value)


def read_ticket(text: str, stream: str) -> Ticket:
    """What a ticket says, for starting a session. Whether it was used before, the registry tells.

    Raises:
        BadTicket: `ticket_expired`, `ticket_invalid`, or `ticket_of_another_stream`.
    """
    max_age_s = conf.RTC_TICKET_MAX_AGE_S
    try:
        alias, user_pk, nonce = _signer().unsign_object(text, max_age=max_age_s)
    except signing.SignatureExpired as error:
        raise BadTicket("ticket_expired") from error
    except (signing.BadSignature, ValueError) as error:
        raise BadTicket("ticket_invalid") from error
    if alias != stream:
        raise BadTicket("ticket_of_another_stream")
    signed_at = datetime.fromtimestamp(signing.b62_decode(text.rsplit(".", 2)[1]), UTC)
    if signed_at > timezone.now() + timedelta(seconds=MAX_SKEW_S):
        raise BadTicket("ticket_invalid")
    expires_at = signed_at + timedelta(seconds=max_age_s)
    return Ticket(stream=alias, user_pk=user_pk, nonce=nonce, expires_at=expires_at)


def nonce_of(text: str) -> str:
    """The nonce of a ticket that started a session earlier, however old it is; empty for a forged one."""
    try:
        _, _, nonce = _signer().unsign_object(text)
    except (signing.BadSignature, ValueError):
        return ""
    return str(nonce)


def user_of(ticket: Ticket) -> Any:
    """The active user a ticket was made for, or None when it was made for nobody. Reads the database.

    Raises:
        BadTicket: the user is gone or inactive.
    """
    if ticket.user_pk is None:
        return None
    user = get_user_model()._default_manager.filter(pk=ticket.user_pk).first()
    if user is None or not getattr(user, "is_active", True):
        raise BadTicket("ticket_invalid")
    return user
