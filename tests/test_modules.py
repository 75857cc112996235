"""What a page has the browser fetch beside the widget's script is what that script imports, wherever it is stored."""

import re
from posixpath import basename
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command
from django.template import Context, Template
from django.templatetags.static import static

from rtc.modules import module_urls

FROM = re.compile(r"""^[^*\n]*\bfrom\s*["']\./([^"']+)["']""", re.MULTILINE)
HASHED = re.compile(r"\.[0-9a-f]{12}\.js$")


class WithHashedImports(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


@pytest.fixture
def collected(settings, tmp_path, request):
    settings.DEBUG = False
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_DIRS = []
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": request.param}}
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path / "rtc"


def imported(directory, script: str) -> set[str]:
    found = [script]
    for name in found:
        found += [other for other in FROM.findall((directory / name).read_text()) if other not in found]
    return set(found[1:])


@pytest.mark.parametrize(
    ("collected", "hashed"),
    [
        ("django.contrib.staticfiles.storage.StaticFilesStorage", False),
        ("django.contrib.staticfiles.storage.ManifestStaticFilesStorage", False),
        (f"{__name__}.{WithHashedImports.__name__}", True),
    ],
    indirect=["collected"],
)
def test_the_modules_are_those_that_the_script_imports(collected, hashed):
    urls = module_urls()
    assert {basename(url) for url in urls} == imported(collected, basename(static("rtc/widget.js")))
    assert len(set(urls)) == len(urls) > 20
    assert all(bool(HASHED.search(url)) == hashed and url.startswith("/static/rtc/") for url in urls)


def test_modules_are_fetched_from_where_the_script_is(settings):
    settings.STATIC_URL = "https://assets.example/static/"
    assert {urlsplit(url).netloc for url in module_urls()} == {"assets.example"}


def test_without_the_staticfiles_app_no_storage_is_asked(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.staticfiles"]
    settings.STORAGES = {}
    settings.STATIC_URL = "/files/"
    assert module_urls()[0].startswith("/files/rtc/")


def test_a_page_names_each_module_once():
    page = Template('{% load rtc %}{% voice_client "default" %}{% voice_client "tune" %}').render(Context())
    assert re.findall(r'<link rel="modulepreload" href="([^"]+)">', page) == module_urls()
