from django.apps import AppConfig


class AssistantConfig(AppConfig):
    name = "fastrtc_project.assistant"
    verbose_name = "Assistant"
