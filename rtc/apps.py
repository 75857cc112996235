from typing import Any

from django.apps import AppConfig


class RTCConfig(AppConfig):
    name = "rtc"
    verbose_name = "Real-time voice"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from rtc import checks, outputs  # noqa: F401 - registers the system checks
        from rtc.signals import session_started

        outputs.install()
        session_started.connect(_announce_start, dispatch_uid="rtc.announce_start")


def _announce_start(session: Any, **kwargs: Any) -> None:
    from rtc.outputs import announce_start

    announce_start(session.session_id)
