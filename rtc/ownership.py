"""A session belongs to whoever started it: the logged-in user, else the Django session, else whoever has the ticket it
was started with, else (none of these at all) whoever knows its id.

Clients make up the ids, and an id may be used again once its session has ended, by anyone. So an id names several
sessions, and a request gets the one that is its own: another's is never in its way, nor does it show.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from rtc.answers import Refusal
from rtc.cors import headers_of
from rtc.lookup import FoundSession, sessions_of
from rtc.origins import origin_allowed, origin_trusted
from rtc.tickets import nonce_of

NO_SESSION = "no cookie of a Django session"
"""The owner key of a user that was recognised without one. It is no hash, so no key has it."""


FIRST_KEY = "rtc_owner"
"""Where a Django session keeps the owner key that it had at first: logging in changes its session key."""


def owner_key(session_key: str) -> str:
    """What the record keeps of a Django session's key."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def keep_owner_key(session: SessionBase | None) -> None:
    """Have a Django session keep its owner key, unless it keeps one. A visitor who has no session gets none.

    It is derived, so that it makes no difference whether another request saves the session without it.
    """
    if session is not None and not session.is_empty() and FIRST_KEY not in session and session.session_key:
        session[FIRST_KEY] = owner_key(session.session_key)


async def owner_keys_of(session: SessionBase | None) -> tuple[str, ...]:
    """The owner keys of a Django session, first the one to record."""
    if session is None:
        return ()
    first = await session.aget(FIRST_KEY)  # loads it, and only then does a key that was made up give itself away
    now = owner_key(session.session_key) if session.session_key else None
    return tuple(key for key in (first, now) if key)


def owner_key_on_record(user: Any, key: str) -> str:
    """The owner key to record. A user's session always has one, or it would be everybody's once the user is deleted."""
    return key or ("" if user is None else NO_SESSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a request can show for itself.

    Args:
        user: perhaps anonymous, or None.
        owner_keys: of the request's Django session.
        ticket: nonce of the ticket it shows, or empty.
        ticket_only: the page is of a foreign origin, so that knowing the id is not enough.
    """

    user: Any = None
    owner_keys: tuple[str, ...] = ()
    ticket: str = ""
    ticket_only: bool = False

    def owns(self, session: FoundSession) -> bool:
        """Whether the session is this requester's and nobody else's."""
        if self.ticket and session.ticket and hmac.compare_digest(self.ticket, session.ticket):
            return True
        if session.user_id is not None:
            return self.user is not None and self.user.is_authenticated and self.user.pk == session.user_id
        return any(hmac.compare_digest(key, session.owner_key) for key in self.owner_keys)

    def may_use(self, session: FoundSession) -> bool:
        """Whether it may give inputs to the session and read its outputs."""
        return self.owns(session) or (_is_nobodys(session) and not self.ticket_only)


def _is_nobodys(session: FoundSession) -> bool:
    return session.user_id is None and not session.owner_key and not session.ticket


async def claim_of(request: HttpRequest) -> Claim:
    """What this request can show for itself. Cookies that a page of a foreign origin brings don't count.

    Raises:
        Refusal: 403, for such a page without a ticket of ours.
    """
    headers = headers_of(request)
    ticket = nonce_of(request.GET.get("ticket", ""))
    if not origin_allowed(headers):
        if not ticket:
            raise Refusal(403, "origin_not_allowed", "Pages of this origin need a ticket.")
        return Claim(ticket=ticket, ticket_only=True)
    if not origin_trusted(headers):
        return Claim(ticket=ticket)
    user = await request.auser() if hasattr(request, "auser") else None
    return Claim(user=user, owner_keys=await owner_keys_of(getattr(request, "session", None)), ticket=ticket)


async def session_for(claim: Claim, session_id: str) -> FoundSession | None:
    """The session of that id that the requester may use; None when there has never been one of that id.

    Its own come before nobody's, then the newest; at most one is live, and it is the newest.

    Raises:
        Refusal: 403, the same for every session that is another's, over or not.
    """
    found = await sessions_of(session_id)
    usable = [session for session in found if claim.may_use(session)]
    if found and not usable:
        raise Refusal(403, "not_yours", "This session is somebody else's.")
    return next((session for session in usable if claim.owns(session)), usable[0] if usable else None)
