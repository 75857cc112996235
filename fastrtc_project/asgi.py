import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fastrtc_project.settings")
django_application = get_asgi_application()

from rtc.routing import not_found, websocket_urlpatterns  # noqa: E402  needs the apps loaded

application = ProtocolTypeRouter(
    {
        # ASGI servers serve no static files. Behind a proxy that does, this never sees one.
        "http": ASGIStaticFilesHandler(django_application),
        "websocket": AuthMiddlewareStack(URLRouter([*websocket_urlpatterns, not_found])),
    }
)
