"""How a request gets to rtc: the ASGI application, its WebSocket routes, the URLconf, the apps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.auth import AuthMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter, get_default_application
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.core.management import find_commands
from django.urls import LocalePrefixPattern, NoReverseMatch, Resolver404, get_resolver, get_script_prefix, reverse
from django.utils.translation import override

from rtc.consumers import MediaConsumer
from rtc.directory import DEFAULT_ALIAS

OUTSIDE = (
    "In urls.py, outside i18n_patterns, whose prefix is another in each language: "
    'path("voice/", include("rtc.urls")). LocaleMiddleware has the pages in the visitor\'s language there too, except '
    "with i18n_patterns(prefix_default_language=False): then in that of LANGUAGE_CODE."
)
UNROUTED = "a-path-that-no-project-routes"
ROUTER = """\
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

django_application = get_asgi_application()

from rtc.routing import not_found, websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(
            URLRouter([path("%s", URLRouter(websocket_urlpatterns)), not_found])
        ),
    }
)"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path leads: the last application, all on the way to it, and what the path says."""

    end: Any
    through: tuple[Any, ...]
    arguments: dict[str, Any]

    @property
    def consumer(self) -> Any:
        return getattr(self.end, "consumer_class", None)


@register()
def check_urls(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if prefix() is not None:
        return []
    return [
        Error(
            "rtc.urls is not part of the URLconf.",
            hint='In urls.py: urlpatterns = [..., path("voice/", include("rtc.urls"))]',
            id="rtc.E009",
        )
    ]


@register()
def check_apps(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not apps.is_installed("django_eventstream"):
        hint = 'INSTALLED_APPS = [..., "django_eventstream", "rtc"]'
        found.append(Error("django_eventstream is not installed; rtc's outputs need it.", hint=hint, id="rtc.E010"))
    owner = _owner_of_runserver()
    if owner == "daphne":
        return found
    if apps.is_installed("daphne"):
        text = f"daphne comes after {owner} in INSTALLED_APPS, so `manage.py runserver` serves no WebSockets."
        return [*found, Error(text, hint='INSTALLED_APPS = ["daphne", ...]: put it first.', id="rtc.E012")]
    hint = 'INSTALLED_APPS = ["daphne", ...], or start another ASGI server and silence this.'
    return [*found, Warning("`manage.py runserver` serves no WebSockets.", hint=hint, id="rtc.W004")]


@register()
def check_asgi(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    path = getattr(settings, "ASGI_APPLICATION", None)
    if not path:
        package = settings.ROOT_URLCONF.rpartition(".")[0]
        hint = f'In settings.py: ASGI_APPLICATION = "{package}.asgi.application"'
        return [Error("ASGI_APPLICATION is not set.", hint=hint, id="rtc.E005")]
    try:
        application = get_default_application()
    except ImproperlyConfigured as error:
        return [Error(f"ASGI_APPLICATION: {error}", hint="It is the dotted path of a callable.", id="rtc.E006")]
    sockets = sockets_of(application)
    if sockets is None:
        text = f"{path} takes no WebSockets."
        return [Error(text, hint=f"In asgi.py:\n{ROUTER % (prefix() or '')}", id="rtc.E007")]
    return list(_check_routes(path, sockets))


def _check_routes(path: str, sockets: Any) -> Iterator[CheckMessage]:
    found: dict[str | None, CheckMessage] = {}
    for root in prefixes():
        found |= {message.id: message for message in _check_media_route(path, sockets, root)}
        if "rtc.E008" in found:
            break
    yield from sorted(found.values(), key=lambda message: -message.level)
    if route_of(sockets, UNROUTED) is None:
        yield Warning(
            f"{path} has no WebSocket route of last resort; the server logs a traceback for each unknown path.",
            hint="Put rtc.routing.not_found last: URLRouter([..., not_found])",
            id="rtc.W002",
        )


def _check_media_route(path: str, sockets: Any, root: str) -> Iterator[CheckMessage]:
    route = _media_route(sockets, root)
    if route is None:
        hint = f'In asgi.py: URLRouter([path("{root}", URLRouter(websocket_urlpatterns)), not_found])'
        yield Error(
            f"{path} does not lead /{root}websocket/offer to rtc, where the pages under /{root} connect.",
            hint=OUTSIDE if _is_localized() else hint,
            id="rtc.E008",
        )
    elif route.consumer is not None and not any(isinstance(layer, AuthMiddleware) for layer in route.through):
        yield Warning(
            f"{path} takes WebSockets without AuthMiddlewareStack: nobody is ever logged in there.",
            hint='In asgi.py: "websocket": AuthMiddlewareStack(URLRouter([...]))',
            id="rtc.W003",
        )


def _media_route(sockets: Any, root: str) -> Route | None:
    """Where the pages' sockets are led. Whether FORCE_SCRIPT_NAME still stands before the path is up to the proxy."""
    starts = ["", get_script_prefix().lstrip("/")]
    routes = [route_of(sockets, f"{start}{root}websocket/offer") for start in starts]
    return next((route for route in routes if route is not None and _may_be_ours(route)), None)


def _may_be_ours(route: Route) -> bool:
    """Whether it is the default stream's. Under another prefix, the last part of that may pass for an alias."""
    if route.consumer is None:
        return True  # an application of the project's own, which we can't look into
    return issubclass(route.consumer, MediaConsumer) and route.arguments.get("alias") == DEFAULT_ALIAS


def prefix() -> str | None:
    """The path that rtc's pages stand under, as urls.py has it; None when there are none."""
    try:
        return reverse("rtc:streams").removeprefix(get_script_prefix())
    except NoReverseMatch:
        return None


def prefixes() -> Iterator[str]:
    """The same in each of the project's languages, where `i18n_patterns` give each its own. A language takes a while
    to load, so each is when it is asked for.
    """
    roots = {prefix()}
    yield from (root for root in roots if root is not None)
    for code, _ in settings.LANGUAGES if _is_localized() else []:
        with override(code):
            root = prefix()
        if root is not None and root not in roots:
            roots.add(root)
            yield root


def _is_localized() -> bool:
    """Whether rtc's pages stand within `i18n_patterns`, which Django takes in the project's own URLconf alone."""
    patterns: list[Any] = get_resolver().url_patterns
    localized = (pattern for pattern in patterns if isinstance(pattern.pattern, LocalePrefixPattern))
    return len(settings.LANGUAGES) > 1 and any("rtc" in pattern.app_dict for pattern in localized)


def sockets_of(application: Any) -> Any:
    """What takes the WebSockets; None when nothing does, as far as that can be seen."""
    for layer in _layers(application):
        if isinstance(layer, ProtocolTypeRouter):
            return layer.application_mapping.get("websocket")
    return None if _is_djangos(application) else application


def route_of(application: Any, path: str) -> Route | None:
    """Follow a path as Channels' URLRouter does; None where it leads nowhere."""
    through: list[Any] = []
    for layer in _layers(application):
        if isinstance(layer, URLRouter):
            return _routed(layer, path, tuple(through))
        through.append(layer)
    return Route(through[-1], tuple(through), {})


def _routed(router: URLRouter, path: str, through: tuple[Any, ...]) -> Route | None:
    for route in router.routes:
        try:
            match = route.pattern.match(path)
        except Resolver404:
            continue
        inner = route_of(route.callback, match[0]) if match else None
        if inner is not None:
            said = {**match[2], **route.default_args, **inner.arguments}
            return Route(inner.end, (*through, *inner.through), said)
    return None


def _layers(application: Any) -> Iterator[Any]:
    """An application and, behind each middleware, the one it wraps, under the names that Channels and others use."""
    while application is not None:
        yield application
        names = ("inner", "application", "app")
        application = next((found for name in names if (found := _attributes(application).get(name)) is not None), None)


def _attributes(application: Any) -> dict[str, Any]:
    return getattr(application, "__dict__", {})


def _is_djangos(application: Any) -> bool:
    return isinstance(list(_layers(application))[-1], ASGIHandler)


def _owner_of_runserver() -> str:
    """The app whose `runserver` counts: the first that has one."""
    for app in apps.get_app_configs():
        if "runserver" in find_commands(str(Path(app.path, "management"))):
            return app.name
    return "django.core"
