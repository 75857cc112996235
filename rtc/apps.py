from django.apps import AppConfig


class RTCConfig(AppConfig):
    name = "rtc"
    verbose_name = "Real-time voice"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from rtc import checks  # noqa: F401 - registers the system checks
