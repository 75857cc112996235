"""Deletes what need not be kept: see `Command.help`."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.utils import timezone

from rtc import references, registry
from rtc.conf import conf
from rtc.mailbox import PARCEL_KEPT
from rtc.models import Parcel, Session, UsedTicket, Worker

BATCH = 200
"""How many are deleted in one transaction: calls that go on have to wait that long to write."""

LONGEST_DAYS = 500_000
"""Whoever keeps sessions for longer keeps them for ever: dates don't go back as far."""


class Command(BaseCommand):
    help = (
        "Deletes sessions that ended more than RTC_RETENTION_DAYS days ago, with their inputs, outputs and timelines; "
        "tickets that have expired; and workers that are gone and have no sessions left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be deleted.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        kept = timedelta(days=min(conf.RTC_RETENTION_DAYS, LONGEST_DAYS))
        due = Session.objects.filter(state=Session.State.ENDED, ended_at__lt=now - kept)
        referring = list(references.to_sessions())
        needed = references.referred_to(reference for reference in referring if reference.keeps)
        sessions = due.exclude(needed)
        tickets = UsedTicket.objects.filter(expires_at__lt=now)
        workers = Worker.objects.filter(ended_at__isnull=False)
        if options["dry_run"]:
            workers = workers.exclude(sessions__in=Session.objects.exclude(pk__in=sessions.values("pk")))
            doubtful = references.referred_to(reference for reference in referring if reference.may_keep)
            verb = "Would delete at most" if sessions.filter(doubtful).exists() else "Would delete"
            self._report(verb, sessions.count(), tickets.count(), workers.count())
            self._report_kept("Would keep", due.filter(needed).count())
        else:
            registry.reap()
            _delete(Parcel.objects.filter(created_at__lt=now - PARCEL_KEPT))
            (ended, refused), (used, _) = _delete(sessions), _delete(tickets)
            self._report("Deleted", ended, used, _delete(workers.filter(sessions__isnull=True))[0])
            self._report_kept("Kept", due.filter(needed).count() + refused)

    def _report(self, verb: str, sessions: int, tickets: int, workers: int) -> None:
        self.stdout.write(f"{verb} {sessions} sessions, {tickets} tickets, {workers} workers.")

    def _report_kept(self, verb: str, sessions: int) -> None:
        if sessions:
            why = "that other rows refer to (on_delete=PROTECT, RESTRICT or DO_NOTHING)"
            self.stdout.write(f"{verb} {sessions} sessions {why}.")


def _delete(rows: QuerySet[Any, Any]) -> tuple[int, int]:
    """How many were deleted, and how many are kept since rows of the project's own refer to them."""
    deleted = kept = 0
    rest = rows.order_by("pk")
    while batch := list(rest.values_list("pk", flat=True)[:BATCH]):
        try:
            deleted += _delete_now(rows, batch)
        except IntegrityError:  # ProtectedError and RestrictedError are, too
            for pk in batch:
                try:
                    deleted += _delete_now(rows, [pk])
                except IntegrityError:
                    kept += 1
        rest = rows.filter(pk__gt=batch[-1]).order_by("pk")
    return deleted, kept


def _delete_now(rows: QuerySet[Any, Any], keys: list[Any]) -> int:
    model: type[Model] = rows.model
    # Asked again, since someone else may have changed them meanwhile.
    _, by_model = rows.filter(pk__in=keys).delete()
    return by_model.get(model._meta.label, 0)
