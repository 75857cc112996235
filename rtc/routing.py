"""WebSocket routes. Put `websocket_urlpatterns` into a `URLRouter`, and `not_found` last."""

from django.urls import path, re_path

from rtc.consumers import MediaConsumer, NotFoundConsumer
from rtc.directory import DEFAULT_ALIAS

websocket_urlpatterns = [
    path("websocket/offer", MediaConsumer.as_asgi(), {"alias": DEFAULT_ALIAS}),
    path("<slug:alias>/websocket/offer", MediaConsumer.as_asgi()),
    path("websocket/offer/<str:ticket>", MediaConsumer.as_asgi(), {"alias": DEFAULT_ALIAS}),
    path("<slug:alias>/websocket/offer/<str:ticket>", MediaConsumer.as_asgi()),
]

not_found = re_path("", NotFoundConsumer.as_asgi())
"""Closes with 4404 whatever no other route took; without it the server logs a traceback for each."""
