"""Telling readers of outputs, in this process and in others, that there is something to read. From any thread.

What others are told carries nothing, and may be lost: they look for themselves every `RTC_OUTPUTS_POLL_S` seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rtc import outputs
from rtc.post import local_post, tell


def announce(session_pk: int) -> None:
    """A session has a new output, or has ended."""
    outputs.announce(session_pk)
    tell(_outputs_of(session_pk))


def announce_start(session_id: str) -> None:
    """There is a session with that id."""
    outputs.announce_start(session_id)
    tell(_start_of(session_id))


@contextmanager
def of_outputs(session_pk: int) -> Iterator[None]:
    """Within it, what other processes announce of that session is announced in this one. On the event loop."""
    with _heard(_outputs_of(session_pk), partial(outputs.announce, session_pk)):
        yield


@contextmanager
def of_start(session_id: str) -> Iterator[None]:
    with _heard(_start_of(session_id), partial(outputs.announce_start, session_id)):
        yield


def _outputs_of(session_pk: int) -> str:
    return f"rtc-outputs-{session_pk}"


def _start_of(session_id: str) -> str:
    return f"rtc-start-{session_id}"


@contextmanager
def _heard(group: str, heard: partial[None]) -> Iterator[None]:
    post = local_post()
    post.follow(group, heard)
    try:
        yield
    finally:
        post.unfollow(group, heard)
