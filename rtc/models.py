"""The database is the record of sessions."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> "SessionQuerySet":
        return self.exclude(state=Session.State.ENDED)


class Session(models.Model):
    """One session: written when it starts and when it ends."""

    class State(models.TextChoices):
        ACTIVE = "active", "active"
        ENDED = "ended", "ended"

    session_id = models.CharField("session id", max_length=64, db_index=True)
    stream = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="rtc_sessions"
    )
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=64, blank=True)
    close_code = models.PositiveSmallIntegerField(null=True, blank=True)
    encoding = models.CharField(max_length=16, default="mulaw")
    framing = models.CharField(max_length=8, default="json")
    sample_rate = models.PositiveIntegerField(
        "sample rate (Hz)", null=True, blank=True, help_text="What the client declared, or was found to send."
    )
    rate_declared = models.BooleanField("rate declared", default=False)
    frames_in = models.PositiveBigIntegerField(default=0)
    frames_out = models.PositiveBigIntegerField(default=0)
    frames_dropped = models.PositiveBigIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    client_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [models.Index(fields=["stream", "state"])]
        constraints = [
            models.UniqueConstraint(
                fields=["session_id"], condition=models.Q(state="active"), name="rtc_session_id_live_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream}/{self.session_id}"

    @property
    def duration(self) -> Any:
        """How long the session has lasted, a timedelta."""
        return (self.ended_at or timezone.now()) - self.started_at
