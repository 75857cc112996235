"""The database is the record of sessions, their inputs and outputs, and the workers that run them."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class Worker(models.Model):
    """One server process that runs sessions. It writes this row every few seconds; when it falls silent, others end
    its sessions.
    """

    name = models.CharField(max_length=128, unique=True)
    host = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    last_beat_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    draining_at = models.DateTimeField(
        "draining since", null=True, blank=True, help_text="Since when it takes, or shall take, no new sessions."
    )
    version = models.CharField(max_length=32, blank=True)
    mailbox = models.CharField(max_length=64, blank=True, help_text="Where it receives messages of other workers.")
    session_count = models.PositiveIntegerField("sessions", default=0)
    lag_ms = models.FloatField("event-loop lag (ms)", default=0.0)
    cpu_percent = models.FloatField("CPU (%)", default=0.0, help_text="Of one core.")
    figures = models.JSONField(
        default=dict, blank=True, help_text="Live figures of its sessions, by the primary key of each."
    )
    totals = models.JSONField(default=dict, blank=True, help_text="What it has counted since it started.")

    class Meta:
        ordering = ["-last_beat_at"]

    def __str__(self) -> str:
        return self.name


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> "SessionQuerySet":
        return self.filter(state__in=Session.LIVE)


class Session(models.Model):
    """One session: written when it starts and when it ends. What happens in between is in its worker's row."""

    class State(models.TextChoices):
        STARTING = "starting", "starting"
        ACTIVE = "active", "active"
        ENDED = "ended", "ended"

    LIVE = (State.STARTING, State.ACTIVE)

    session_id = models.CharField("session id", max_length=64, db_index=True)
    stream = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="rtc_sessions"
    )
    owner_key = models.CharField(max_length=64, blank=True, help_text="Hash of the Django session that started it.")
    ticket = models.CharField(max_length=64, blank=True, help_text="Nonce of the ticket it was started with.")
    worker = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="sessions", editable=False
    )
    state = models.CharField(max_length=8, choices=State, default=State.STARTING)
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
    history = models.JSONField(default=list, blank=True, help_text="Samples of level and delay over time.")
    client_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            models.Index(fields=["stream", "state"]),
            models.Index(fields=["state", "user"]),
            # For the admin, which lists the newest first, looks every few seconds, and offers each reason to filter by.
            models.Index(fields=["started_at"]),
            models.Index(fields=["end_reason", "started_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session_id"], condition=~models.Q(state="ended"), name="rtc_session_id_live_once"
            )
        ]
        permissions = [("hang_up_session", "Can hang up sessions")]

    def __str__(self) -> str:
        return f"{self.stream}/{self.session_id}"

    @property
    def duration(self) -> timedelta:
        """How long the session has lasted."""
        return (self.ended_at or timezone.now()) - self.started_at


class Output(models.Model):
    """One additional output; `position` counts from 1 in each session and is its id on the event stream."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="outputs")
    position = models.PositiveIntegerField()
    payload = models.TextField(help_text="JSON.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "position"]
        constraints = [models.UniqueConstraint(fields=["session", "position"], name="rtc_output_once")]

    def __str__(self) -> str:
        return f"output {self.position} of session {self.session_id}"


class Input(models.Model):
    """One input that the session took. A long one is kept in part."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="inputs")
    payload = models.TextField(help_text="JSON, perhaps cut short.")
    size = models.PositiveIntegerField("size (characters)")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "pk"]

    def __str__(self) -> str:
        return f"input of session {self.session_id}"


class Parcel(models.Model):
    """What one worker sends another and is too long for a message. Whoever gets it deletes it."""

    content = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"parcel {self.pk}"


class TimelineEntry(models.Model):
    """Something that happened in a session, without its content."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="timeline")
    kind = models.CharField(max_length=16)
    text = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "created_at", "pk"]
        verbose_name_plural = "timeline entries"

    def __str__(self) -> str:
        return f"{self.kind} in session {self.session_id}"


class UsedTicket(models.Model):
    """A connect ticket that can't be used again."""

    nonce = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.nonce


class AdmissionLock(models.Model):
    """One row that an admission under a limit locks, so that counting and starting are one step in any database."""

    def __str__(self) -> str:
        return "admission"
