"""`GET /metrics`: all workers in Prometheus' text format, as of the last heartbeat of each. Ask any of them."""

import hmac
import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.db import Error
from django.db.models import Count
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from rtc.conf import conf
from rtc.database import perform_apart
from rtc.models import Session, Worker
from rtc.tally import BUCKETS_S, FORMAT

logger = logging.getLogger(__name__)

GAUGES = {
    "rtc_worker_lag_seconds": ("How late the event loop is", lambda worker: worker.lag_ms / 1000),
    "rtc_worker_cpu_ratio": ("CPU time over time, of one core", lambda worker: worker.cpu_percent / 100),
    "rtc_worker_draining": ("Whether it takes no new sessions", lambda worker: worker.draining_at is not None),
    "rtc_worker_beat_age_seconds": (
        "How long ago its last heartbeat was",
        lambda worker: (timezone.now() - worker.last_beat_at).total_seconds(),
    ),
}
COUNTERS = {
    "rtc_frames_in": ("Frames of audio from clients", lambda totals: totals["frames"]["frames_in"]),
    "rtc_frames_out": ("Frames of audio to clients", lambda totals: totals["frames"]["frames_out"]),
    "rtc_frames_dropped": (
        "Frames from clients that no handler got",
        lambda totals: totals["frames"]["frames_dropped"],
    ),
    "rtc_outputs": ("Additional outputs stored", lambda totals: totals["outputs"]),
    "rtc_inputs": ("Inputs that handlers took", lambda totals: totals["inputs"]),
    "rtc_turns": ("Turns of conversation", lambda totals: totals["turns"]),
}
COUNTERS_BY = {
    "rtc_sessions_started": ("Sessions admitted", "stream", "started"),
    "rtc_sessions_refused": ("Sessions refused", "reason", "refused"),
    "rtc_sessions_ended": ("Sessions over", "reason", "ended"),
}
HISTOGRAMS = {
    "rtc_hook_seconds": ("From an input's arrival to its 200", "hook"),
    "rtc_output_seconds": ("From an output's emission to its announcement", "output"),
    "rtc_reply_seconds": ("From the end of a turn to the first audio of its reply", "reply"),
}


@never_cache
@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever shows `RTC_METRICS_TOKEN`, and for staff who may view workers."""
    try:
        if not (_shows_token(request) or await _may_view(request)):
            return HttpResponse("Forbidden: show the token, or log in as staff.\n", "text/plain", status=403)
        return HttpResponse(await perform_apart(expose), content_type=CONTENT_TYPE_LATEST)
    except Error as error:  # locked or away: it is asked several times a minute, and needs no traceback each time
        logger.warning("the database can't be asked for metrics: %s", error)
        return HttpResponse("The database is away.\n", "text/plain", status=503)


def _shows_token(request: HttpRequest) -> bool:
    token = conf.RTC_METRICS_TOKEN
    shown = request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())


async def _may_view(request: HttpRequest) -> bool:
    user = await request.auser() if hasattr(request, "auser") else None
    if user is None or not getattr(user, "is_staff", False):  # a model of the project's own may know no staff
        return False
    return user.is_active and await user.ahas_perm("rtc.view_worker")


def expose() -> bytes:
    registry = CollectorRegistry()
    registry.register(WorkerCollector())
    return generate_latest(registry)


class WorkerCollector(Collector):
    """Reads the database when it is asked."""

    def collect(self) -> Iterator[Metric]:
        silent = Now() - timedelta(seconds=conf.RTC_WORKER_LOST_S)
        workers = list(Worker.objects.filter(ended_at=None, last_beat_at__gte=silent).defer("figures").order_by("pk"))
        info = GaugeMetricFamily("rtc_worker_info", "Always 1", labels=["worker", "host", "pid", "version"])
        for worker in workers:
            info.add_metric([worker.name, worker.host, str(worker.pid), worker.version], 1)
        yield info
        yield _sessions({worker.pk: worker.name for worker in workers})
        for name, (text, read) in GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=["worker"])
            for worker in workers:
                gauge.add_metric([worker.name], read(worker))
            yield gauge
        yield from _of_totals(
            [(worker.name, worker.totals) for worker in workers if worker.totals.get("format") == FORMAT]
        )


def _sessions(names: dict[int, str]) -> Metric:
    gauge = GaugeMetricFamily("rtc_sessions", "Live sessions", labels=["worker", "stream"])
    live = Session.objects.live().filter(worker__in=names).order_by("worker", "stream")
    for row in live.values("worker", "stream").annotate(count=Count("pk")):
        gauge.add_metric([names[row["worker"]], row["stream"]], row["count"])
    return gauge


def _of_totals(found: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Metric]:
    for name, (text, read) in COUNTERS.items():
        counter = CounterMetricFamily(name, text, labels=["worker"])
        for worker, totals in found:
            counter.add_metric([worker], read(totals))
        yield counter
    for name, (text, label, key) in COUNTERS_BY.items():
        counter = CounterMetricFamily(name, text, labels=["worker", label])
        for worker, totals in found:
            for value, count in totals[key].items():
                counter.add_metric([worker, value], count)
        yield counter
    for name, (text, key) in HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, text, labels=["worker"])
        for worker, totals in found:
            histogram.add_metric([worker], _buckets(totals[key]["counts"]), totals[key]["sum_s"])
        yield histogram


def _buckets(counts: list[int]) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus has them."""
    bounds = [*(str(bound) for bound in BUCKETS_S), "+Inf"]
    return [(bound, sum(counts[: index + 1])) for index, bound in enumerate(bounds)]
