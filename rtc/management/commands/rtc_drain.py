"""Has workers take no more sessions: see `Command.help`."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet

from rtc import registry
from rtc.conf import conf
from rtc.mailbox import urge_to_drain
from rtc.models import Session, Worker

LOOK_S = 0.5


class Command(BaseCommand):
    help = (
        "Drains workers: they refuse new sessions, /readyz turns red, and sessions that go on after RTC_DRAIN_S "
        "seconds are ended. A drained worker takes none until its process is started anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--worker", action="append", metavar="ID", help="Its id in the admin, or HOST:PID. May be given again."
        )
        which.add_argument("--all", action="store_true", help="All workers.")
        parser.add_argument("--wait", action="store_true", help="Return when they have no sessions left.")

    def handle(self, *args: Any, **options: Any) -> None:
        registry.reap()
        alive = Worker.objects.filter(ended_at=None)
        workers = alive if options["all"] else _named(alive, options["worker"])
        pks = list(workers.values_list("pk", flat=True))
        count = registry.drain(pks)
        urge_to_drain([address for address in workers.values_list("mailbox", flat=True) if address])
        self.stdout.write(f"Draining {count} workers; {len(pks) - count} were draining already.")
        if options["wait"]:
            self._wait(pks)

    def _wait(self, pks: list[int]) -> None:
        """Raises: CommandError, when it takes longer than sessions may go on, and then a worker may be lost."""
        give_up_at = time.monotonic() + conf.RTC_DRAIN_S + conf.RTC_HEARTBEAT_S + conf.RTC_WORKER_LOST_S
        live = Session.objects.live().filter(worker__in=pks)
        while left := live.count():
            if time.monotonic() >= give_up_at:
                raise CommandError(f"{left} sessions are still live.")
            time.sleep(LOOK_S)
            registry.reap()
        self.stdout.write("No sessions are left.")


def _named(alive: QuerySet[Worker], ids: list[str]) -> QuerySet[Worker]:
    """Raises: CommandError."""
    chosen = Q()
    for text in ids:
        host, _, pid = text.rpartition(":")
        if not pid.isdecimal():
            raise CommandError(f"{text!r} is neither a number nor HOST:PID.")
        one = Q(host=host, pid=pid) if host else Q(pk=pid)
        if not alive.filter(one).exists():
            raise CommandError(f"There is no live worker {text}.")
        chosen |= one
    return alive.filter(chosen)
