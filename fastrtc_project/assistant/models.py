from django.db import models
from django.utils import timezone

from rtc.models import Session
from rtc.ownership import NO_SESSION


class Note(models.Model):
    """Something a caller asked the assistant to keep."""

    owner = models.CharField(max_length=80, db_index=True, help_text="Whose it is; see `owner_of`.")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"note {self.pk}"


def owner_of(session_id: str) -> str:
    """Who a session's notes belong to: its user, else its browser, else nobody but this one call."""
    session = Session.objects.filter(session_id=session_id).order_by("-pk").first()
    if session is None:
        return f"call:{session_id}"
    if session.user_id is not None:
        return f"user:{session.user_id}"
    if session.owner_key not in ("", NO_SESSION):
        return f"browser:{session.owner_key}"
    return f"call:{session.pk}"


class Notebook:
    """The notes of one owner."""

    def __init__(self, owner: str) -> None:
        self._owner = owner

    def add(self, text: str) -> None:
        Note.objects.create(owner=self._owner, text=text)

    def texts(self) -> list[str]:
        """Oldest first."""
        return list(self._notes().values_list("text", flat=True))

    def remove_last(self) -> str | None:
        """What it said; None when there is none."""
        last = self._notes().last()
        if last is None:
            return None
        last.delete()
        return last.text

    def clear(self) -> None:
        self._notes().delete()

    def _notes(self) -> models.QuerySet[Note]:
        return Note.objects.filter(owner=self._owner)
