from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from rtc.models import Session


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    """Sessions are a record: nothing is added or changed by hand."""

    list_display = [
        "session_id",
        "stream",
        "user",
        "state",
        "started_at",
        "lasted",
        "end_reason",
        "frames_in",
        "frames_out",
        "frames_dropped",
        "errors",
    ]
    list_filter = ["state", "stream", "end_reason", "started_at"]
    list_select_related = ["user"]
    search_fields = ["session_id", "user__username", "client_address", "user_agent"]
    date_hierarchy = "started_at"
    show_full_result_count = False

    @admin.display(description="duration")
    def lasted(self, session: Session) -> str:
        return str(session.duration).split(".")[0]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
