from django.contrib import admin

from fastrtc_project.assistant.models import Note


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    list_display = ["created_at", "owner", "text"]
    list_filter = ["created_at"]
