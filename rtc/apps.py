from typing import Any

from django.apps import AppConfig


class RTCConfig(AppConfig):
    name = "rtc"
    verbose_name = "Real-time voice"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from rtc import checks, mailbox, outputs  # noqa: F401 - registers system checks, and what others may ask
        from rtc.closing import allow_close_handshake
        from rtc.conf import conf
        from rtc.flow_control import expose_requests
        from rtc.telling import end_recorded, start_recorded

        outputs.install()
        expose_requests()
        allow_close_handshake(conf.RTC_CLOSE_HANDSHAKE_S)
        start_recorded.connect(_started, dispatch_uid="rtc.started")
        end_recorded.connect(_ended, dispatch_uid="rtc.ended")


def _started(session: Any, **kwargs: Any) -> None:
    from rtc.news import announce_start

    announce_start(session.session_id)


def _ended(session: Any, **kwargs: Any) -> None:
    from rtc.news import announce

    announce(session.pk)
