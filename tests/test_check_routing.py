import sys
from types import ModuleType

import pytest
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import global_settings
from django.conf.urls.i18n import i18n_patterns
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import include, path, re_path, set_script_prefix
from django.utils.translation import override

from rtc.checks import routing
from rtc.checks.routing import check_apps, check_asgi, check_urls
from rtc.routing import not_found, websocket_urlpatterns


class Other(AsyncWebsocketConsumer):
    """Another app's."""


async def opaque(scope, receive, send):
    """An application that nobody can look into."""


def sockets(*routes):
    return ProtocolTypeRouter({"http": get_asgi_application(), "websocket": AuthMiddlewareStack(URLRouter([*routes]))})


@pytest.fixture
def project(settings, monkeypatch):
    """Has the project's asgi.py hold that application, and its urls.py rtc under that prefix."""

    def configure(application=None, prefix="voice/"):
        asgi, urls = ModuleType("a_shop_asgi"), ModuleType("a_shop_urls")
        asgi.application = application
        urls.urlpatterns = [] if prefix is None else [path(prefix, include("rtc.urls"))]
        monkeypatch.setitem(sys.modules, "a_shop_asgi", asgi)
        monkeypatch.setitem(sys.modules, "a_shop_urls", urls)
        settings.ROOT_URLCONF = "a_shop_urls"
        settings.ASGI_APPLICATION = "a_shop_asgi.application"

    return configure


def ids(messages):
    return [message.id for message in messages]


def test_the_demo_project_passes():
    assert ids([*check_asgi(None), *check_urls(None), *check_apps(None)]) == []


@pytest.mark.parametrize("prefix", ["", "voice/", "a/b/"])
def test_rtc_under_a_prefix_passes(project, prefix):
    project(sockets(path(prefix, URLRouter(websocket_urlpatterns)), not_found), prefix)
    assert ids([*check_asgi(None), *check_urls(None)]) == []


@pytest.fixture
def script_prefix():
    """As FORCE_SCRIPT_NAME sets it."""
    set_script_prefix("/app/")
    yield
    set_script_prefix("/")


@pytest.mark.parametrize("seen", ["voice/", "app/voice/"])
def test_a_proxy_may_take_the_script_name_off_or_leave_it(project, script_prefix, seen):
    project(sockets(path(seen, URLRouter(websocket_urlpatterns)), not_found))
    assert ids([*check_asgi(None), *check_urls(None)]) == []


def test_sockets_below_a_script_name_are_asked_for_without_it(project, script_prefix):
    project(sockets(path("talk/", URLRouter(websocket_urlpatterns)), not_found))
    [message] = check_asgi(None)
    assert message.id == "rtc.E008" and 'path("voice/"' in message.hint
    project(get_asgi_application())
    [message] = check_asgi(None)
    assert message.id == "rtc.E007" and 'path("voice/"' in message.hint


def test_middleware_of_channels_is_looked_through(project):
    inner = sockets(path("voice/", URLRouter(websocket_urlpatterns)), not_found).application_mapping["websocket"]
    project(ProtocolTypeRouter({"websocket": AllowedHostsOriginValidator(inner)}))
    assert ids(check_asgi(None)) == []


def test_without_an_asgi_application_it_is_asked_for(project, settings):
    project()
    settings.ASGI_APPLICATION = None
    [message] = check_asgi(None)
    assert message.id == "rtc.E005" and "asgi.application" in message.hint


@pytest.mark.parametrize("dotted", ["application", "no.such.application", "a_shop_asgi.nothing"])
def test_an_asgi_application_that_is_not_there_is_an_error(project, settings, dotted):
    project()
    settings.ASGI_APPLICATION = dotted
    assert ids(check_asgi(None)) == ["rtc.E006"]


@pytest.mark.parametrize("application", [get_asgi_application(), ProtocolTypeRouter({"http": opaque})])
def test_an_application_without_sockets_is_an_error_with_the_lines_to_add(project, application):
    project(application)
    [message] = check_asgi(None)
    assert message.id == "rtc.E007" and 'path("voice/", URLRouter(websocket_urlpatterns))' in message.hint


def test_the_lines_to_add_are_an_application_that_passes(project):
    project(get_asgi_application())
    [message] = check_asgi(None)
    names = {"get_asgi_application": get_asgi_application}
    exec(message.hint.partition("\n")[2], names)
    project(names["application"])
    assert ids(check_asgi(None)) == []


@pytest.mark.parametrize(
    "route",
    [
        path("", URLRouter(websocket_urlpatterns)),
        path("other/", URLRouter(websocket_urlpatterns)),
        path("voice/", URLRouter([path("websocket/offer", Other.as_asgi())])),
    ],
)
def test_sockets_elsewhere_than_the_pages_are_an_error(project, route):
    project(sockets(route, not_found))
    [message] = check_asgi(None)
    assert message.id == "rtc.E008" and "/voice/websocket/offer" in message.msg


@pytest.fixture
def in_two_languages(project, settings):
    """Has the project's pages under /de/voice/ and /en/voice/."""

    def configure(*routes, middleware=AuthMiddlewareStack):
        project(ProtocolTypeRouter({"websocket": middleware(URLRouter([*routes, not_found]))}))
        sys.modules["a_shop_urls"].urlpatterns = i18n_patterns(path("voice/", include("rtc.urls")))

    settings.LANGUAGE_CODE, settings.LANGUAGES = "de", [("de", "German"), ("en", "English")]
    with override("de"):
        yield configure


@pytest.mark.parametrize("prefix", ["voice/", "de/voice/"])
def test_pages_with_a_prefix_in_each_language_and_sockets_with_one_are_an_error(in_two_languages, prefix):
    in_two_languages(path(prefix, URLRouter(websocket_urlpatterns)))
    [message] = check_asgi(None)
    assert message.id == "rtc.E008" and "outside i18n_patterns" in message.hint
    assert "prefix_default_language=False" in message.hint


def test_sockets_with_the_prefixes_of_all_languages_pass(in_two_languages):
    in_two_languages(re_path("(?:de|en)/voice/", URLRouter(websocket_urlpatterns)))
    assert ids(check_asgi(None)) == []


def test_one_language_without_sockets_is_an_error(in_two_languages, settings):
    settings.LANGUAGES = [*settings.LANGUAGES, ("fr", "French")]
    in_two_languages(re_path("(?:de|en)/voice/", URLRouter(websocket_urlpatterns)))
    [message] = check_asgi(None)
    assert message.id == "rtc.E008" and "/fr/voice/websocket/offer" in message.msg


def bare(application):
    return application


def test_a_warning_of_one_language_hides_no_error_of_another(in_two_languages):
    in_two_languages(path("de/voice/", URLRouter(websocket_urlpatterns)), middleware=bare)
    assert ids(check_asgi(None)) == ["rtc.E008", "rtc.W003"]


def test_what_holds_in_all_languages_is_said_once(in_two_languages):
    in_two_languages(re_path("(?:de|en)/voice/", URLRouter(websocket_urlpatterns)), middleware=bare)
    assert ids(check_asgi(None)) == ["rtc.W003"]
    in_two_languages()
    assert ids(check_asgi(None)) == ["rtc.E008"]


@pytest.fixture
def activated(settings, monkeypatch):
    """The languages that were activated, of all that Django knows."""
    settings.LANGUAGES = global_settings.LANGUAGES
    found = []
    monkeypatch.setattr(routing, "override", lambda code: found.append(code) or override(code))
    return found


def test_of_pages_outside_i18n_patterns_no_language_is_activated(project, activated):
    project(sockets(path("voice/", URLRouter(websocket_urlpatterns)), not_found))
    sys.modules["a_shop_urls"].urlpatterns += i18n_patterns(path("shop/", include("django.conf.urls.i18n")))
    assert ids(check_asgi(None)) == []
    assert activated == []


@pytest.mark.parametrize("prefix_default_language", [True, False])
def test_of_many_languages_two_are_enough(in_two_languages, activated, prefix_default_language):
    in_two_languages(path("voice/", URLRouter(websocket_urlpatterns)))
    pages = path("voice/", include("rtc.urls"))
    sys.modules["a_shop_urls"].urlpatterns = i18n_patterns(pages, prefix_default_language=prefix_default_language)
    assert ids(check_asgi(None)) == ["rtc.E008"]
    assert len(activated) <= 2


def test_an_earlier_route_that_takes_rtcs_sockets_is_an_error(project):
    project(sockets(path("voice/", URLRouter([not_found])), path("voice/", URLRouter(websocket_urlpatterns))))
    assert "rtc.E008" in ids(check_asgi(None))


def test_what_cannot_be_looked_into_passes(project):
    project(ProtocolTypeRouter({"websocket": opaque}))
    assert ids(check_asgi(None)) == []
    project(opaque)
    assert ids(check_asgi(None)) == []


def test_no_route_of_last_resort_is_a_warning(project):
    project(sockets(path("voice/", URLRouter(websocket_urlpatterns))))
    assert ids(check_asgi(None)) == ["rtc.W002"]


def test_sockets_without_sessions_are_a_warning(project):
    routes = [path("voice/", URLRouter(websocket_urlpatterns)), not_found]
    project(ProtocolTypeRouter({"websocket": URLRouter(routes)}))
    assert ids(check_asgi(None)) == ["rtc.W003"]


def test_pages_that_are_not_included_are_an_error(project):
    project(sockets(path("voice/", URLRouter(websocket_urlpatterns)), not_found), prefix=None)
    assert ids([*check_urls(None), *check_asgi(None)]) == ["rtc.E009"]


NEEDED = ["django.contrib.auth", "django.contrib.contenttypes", "django_eventstream", "rtc"]


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        (["daphne", *NEEDED], []),
        (["daphne", "django.contrib.staticfiles", *NEEDED], []),
        (["django.contrib.staticfiles", *NEEDED, "daphne"], ["rtc.E012"]),
        (["django.contrib.staticfiles", *NEEDED], ["rtc.W004"]),
        (["daphne", "django.contrib.auth", "django.contrib.contenttypes", "rtc"], ["rtc.E010"]),
    ],
)
def test_the_apps_and_their_order(installed, expected):
    with override_settings(INSTALLED_APPS=installed):
        assert ids(check_apps(None)) == expected
