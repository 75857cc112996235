"""Deletes what need not be kept: see `Command.help`."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Model, QuerySet
from django.utils import timezone

from rtc import registry
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
        sessions = Session.objects.filter(state=Session.State.ENDED, ended_at__lt=now - kept)
        tickets = UsedTicket.objects.filter(expires_at__lt=now)
        workers = Worker.objects.filter(ended_at__isnull=False)
        if options["dry_run"]:
            workers = workers.exclude(sessions__in=Session.objects.exclude(pk__in=sessions.values("pk")))
            self._report("Would delete", sessions.count(), tickets.count(), workers.count())
        else:
            registry.reap()
            _delete(Parcel.objects.filter(created_at__lt=now - PARCEL_KEPT))
            deleted = _delete(sessions), _delete(tickets)
            self._report("Deleted", *deleted, _delete(workers.filter(sessions__isnull=True)))

    def _report(self, verb: str, sessions: int, tickets: int, workers: int) -> None:
        self.stdout.write(f"{verb} {sessions} sessions, {tickets} tickets, {workers} workers.")


def _delete(rows: QuerySet[Any, Any]) -> int:
    model: type[Model] = rows.model
    deleted = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        # Asked again, since someone else may have changed them meanwhile.
        _, by_model = rows.filter(pk__in=batch).delete()
        deleted += by_model.get(model._meta.label, 0)
    return deleted
