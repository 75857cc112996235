"""What turns tell the shell to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartedTalking:
    """The user has begun a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOver:
    """Reply to the audio from `begin_s` to `end_s`; a reply that is under way is dropped."""

    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Stop the reply. `going_on`: nobody has heard any of it, and the turn it was to goes on."""

    going_on: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Fall silent, but keep the reply."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Go on with it where it was heard to."""


TurnEvent = StartedTalking | TurnOver | Interrupted | Held | Resumed
TurnEvents = tuple[TurnEvent, ...]
