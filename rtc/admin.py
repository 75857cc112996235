"""Sessions and workers in the admin: a record that is watched, never edited, and comes from the database alone."""

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import get_user_model
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from rtc.admin_deleting import Deleted, all_or_nothing, check_references, what_goes
from rtc.admin_display import (
    NOTHING,
    ago_text,
    count_text,
    figure_rows,
    moment_text,
    session_count,
    state_badge,
    worker_text,
)
from rtc.admin_figures import figures_of, is_live, is_silent
from rtc.admin_plots import delay_plot, level_plot
from rtc.admin_timeline import clock, read_timeline
from rtc.mailbox import hang_up
from rtc.models import Session, Worker

DELETED_AT_ONCE = 500
"""Live calls wait with what they write; and the form has a field for each, of which Django takes a thousand."""


class LivenessFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "Live"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        if self.value() == "live":
            return queryset.filter(state__in=Session.LIVE)
        # Nearly all: so put, databases go by the order instead, and read no more than the page.
        return queryset.exclude(state__in=Session.LIVE) if self.value() == "ended" else queryset


class RecordAdmin(admin.ModelAdmin):
    """Rows are a record: nothing is added or changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Session)
class SessionAdmin(RecordAdmin):
    list_display = [
        "session_id",
        "live_state",
        "stream",
        "user",
        "age",
        "worker_name",
        "heard",
        "said",
        "dropped",
        "error_count",
        "last_activity",
    ]
    list_filter = [LivenessFilter, "stream", "end_reason", "started_at"]
    list_select_related = ["user"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["session_id"]
    actions = ["hang_up", "delete_selected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        # Prefetched rather than joined: the figures of a worker's sessions are in its one row.
        return super().get_queryset(request).defer("history").prefetch_related("worker")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["session_id", f"user__{get_user_model().USERNAME_FIELD}", "client_address", "user_agent"]

    # The list ------------------------------------------------------------------------------------------------------

    @admin.display(description="state", ordering="state")
    def live_state(self, session: Session) -> str:
        return state_badge(session)

    @admin.display(description="age", ordering="-started_at")
    def age(self, session: Session) -> str:
        text = clock(session.duration.total_seconds())
        return format_html('<span title="started {}">{}</span>', moment_text(session.started_at), text)

    @admin.display(description="worker", ordering="worker__name")
    def worker_name(self, session: Session) -> str:
        return worker_text(session.worker)

    @admin.display(description="in")
    def heard(self, session: Session) -> str:
        return count_text(figures_of(session).frames_in)

    @admin.display(description="out")
    def said(self, session: Session) -> str:
        return count_text(figures_of(session).frames_out)

    @admin.display(description="dropped")
    def dropped(self, session: Session) -> str:
        return count_text(figures_of(session).frames_dropped)

    @admin.display(description="errors")
    def error_count(self, session: Session) -> str:
        return count_text(figures_of(session).errors)

    @admin.display(description="last activity")
    def last_activity(self, session: Session) -> str:
        return ago_text(figures_of(session).last_activity)

    # One session ---------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        session = self.get_object(request, object_id)
        if session is None or not self.has_view_permission(request, session):
            return super().change_view(request, object_id, form_url, extra_context)  # which says so
        figures = figures_of(session, with_samples=True)
        started_s = session.started_at.timestamp()
        samples = figures.samples
        context = {
            "title": "Session",
            "live": is_live(session),
            "may_hang_up": self.has_hang_up_permission(request),
            "figures": figure_rows(session, figures),
            "plots": [level_plot(samples, started_s), delay_plot(samples, started_s)] if samples else [],
            "timeline": read_timeline(
                session,
                request.GET.get("timeline"),
                inputs=request.user.has_perm("rtc.view_input"),
                outputs=request.user.has_perm("rtc.view_output"),
            ),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    # Hanging up ----------------------------------------------------------------------------------------------------

    def has_hang_up_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("rtc.hang_up_session")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.hang_up_view)
        return [path("<int:pk>/hang_up/", view, name="rtc_session_hang_up"), *super().get_urls()]

    def _page_of(self, pk: int) -> str:
        return reverse("admin:rtc_session_change", args=[pk], current_app=self.admin_site.name)

    def hang_up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_hang_up_permission(request):
            raise PermissionDenied
        response = self.hang_up(request, self.get_queryset(request).filter(pk=pk))
        return response or HttpResponseRedirect(self._page_of(pk))

    @admin.action(permissions=["hang_up"], description="Hang up selected sessions")
    def hang_up(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        if named := request.POST.get("sessions"):  # confirmed; in one field, since a form may have a thousand at most
            queryset = self.get_queryset(request).filter(pk__in=_keys(named))
        live = list(queryset.filter(state__in=Session.LIVE).select_related("user"))
        if not live:
            self.message_user(request, "Nothing to hang up: that was over already.", messages.WARNING)
            return None
        if request.method == "POST" and request.POST.get("post"):
            self._hang_up(request, live)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Hang up?",
            "opts": self.opts,
            "sessions": live,
            "keys": ",".join(str(session.pk) for session in live),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/rtc/session/hang_up.html", context)

    def _hang_up(self, request: HttpRequest, sessions: list[Session]) -> None:
        unreachable: Counter[str] = Counter()
        reached = hang_up([session.pk for session in sessions])
        for session in sessions:
            if session.pk in reached:
                self.log_change(request, session, "Hung up.")
            else:
                unreachable[worker_text(session.worker)] += 1
        told = len(sessions) - unreachable.total()
        if told:
            self.message_user(request, f"Hung up: {session_count(told)}.", messages.SUCCESS)
        for name, count in unreachable.items():
            text = f"Worker {name} could not be reached: {session_count(count)} not hung up."
            self.message_user(request, text, messages.ERROR)

    # Deleting ------------------------------------------------------------------------------------------------------

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not is_live(obj))

    @admin.action(permissions=["delete"], description="Delete selected sessions with all their rows")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        live = queryset.filter(state__in=Session.LIVE).count()
        if live:
            text = f"A live session can't be deleted: {session_count(live)} left alone. Hang up first."
            self.message_user(request, text, messages.ERROR)
        ended = queryset.filter(state=Session.State.ENDED)
        count = ended.count()
        if count > DELETED_AT_ONCE:
            text = f"At most {DELETED_AT_ONCE} of {count} can be deleted at once; manage.py rtc_purge deletes old ones."
            self.message_user(request, text, messages.ERROR)
            return None
        with all_or_nothing(request):
            return delete_selected(self, request, ended) if count else None
        return None

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        session = self.get_object(request, object_id)
        if session is not None and is_live(session) and self.has_delete_permission(request):
            self.message_user(request, "A live session can't be deleted. Hang up first.", messages.ERROR)
            return HttpResponseRedirect(self._page_of(session.pk))
        with all_or_nothing(request):
            return super().delete_view(request, object_id, extra_context)
        return HttpResponseRedirect(request.get_full_path())

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        super().delete_model(request, obj)
        check_references()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        super().delete_queryset(request, queryset)
        check_references()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deleted:
        return what_goes(list(objs), request, self.admin_site)


def _keys(text: str) -> list[int]:
    try:
        return [int(key) for key in text.split(",")]
    except ValueError as error:
        raise BadRequest("sessions are named by their keys") from error


@admin.register(Worker)
class WorkerAdmin(RecordAdmin):
    list_display = ["host", "proc", "version", "worker_state", "live_sessions", "lag", "cpu", "last_beat", "started_at"]
    search_fields = ["name"]
    readonly_fields = ["proc", "version", "worker_state", "live_sessions", "lag", "cpu"]
    fields = ["name", "host", *readonly_fields, "started_at", "last_beat_at", "draining_at", "ended_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        live = Count("sessions", filter=Q(sessions__state__in=Session.LIVE))
        return super().get_queryset(request).defer("figures", "totals").annotate(live_sessions=live)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="pid", ordering="pid")
    def proc(self, worker: Worker) -> str:
        return str(worker.pid)  # as the system has it, not as numbers are written

    @admin.display(description="last beat", ordering="last_beat_at")
    def last_beat(self, worker: Worker) -> str:
        return ago_text(worker.last_beat_at)

    @admin.display(description="sessions", ordering="live_sessions")
    def live_sessions(self, worker: Any) -> int:
        return worker.live_sessions

    @admin.display(description="event-loop lag", ordering="lag_ms")
    def lag(self, worker: Worker) -> str:
        return NOTHING if worker.ended_at else f"{worker.lag_ms:.0f} ms"

    @admin.display(description="CPU", ordering="cpu_percent")
    def cpu(self, worker: Worker) -> str:
        return NOTHING if worker.ended_at else f"{worker.cpu_percent:.0f} %"

    @admin.display(description="state")
    def worker_state(self, worker: Worker) -> str:
        if is_silent(worker):
            return "lost"
        if worker.ended_at:
            return "ended"
        return "draining" if worker.draining_at else "alive"
