"""The app's own pages, and the policy they come under."""

import asyncio
import html
import json
import re
import struct
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.urls import reverse
from django.utils import translation

from fastrtc_project import streams
from rtc import AsyncStreamHandler, Stream, csp
from rtc.views import ClientView
from tests.browser.streams import Booking

MADE = []


class OnLoop(AsyncStreamHandler):
    def __init__(self):
        super().__init__(output_sample_rate=16000)
        self.stopping = asyncio.get_running_loop().create_future()
        MADE.append(self)


on_loop = Stream(OnLoop)

EXAMPLE = re.compile(r'data-example="([^"]+)".*?<code>(.*?)</code>', re.DOTALL)
SCRIPT = re.compile(r"<script\b[^>]*>")
LINK = re.compile(r"<link\b[^>]*stylesheet[^>]*>")
HINT = re.compile(r"<link\b[^>]*modulepreload[^>]*>")


def examples(page: str) -> dict[str, str]:
    return {name: html.unescape(code) for name, code in EXAMPLE.findall(page)}


@pytest.fixture(autouse=True)
def own_streams(settings):
    settings.RTC_STREAMS = {
        "default": "fastrtc_project.streams.echo",
        "tune": "fastrtc_project.streams.tune",
        "form": "tests.browser.streams.form",
    }


def get(client, path):
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("path", ["/", "/default/", "/tune/", "/form/", "/default/docs"])
def test_every_script_and_sheet_of_a_page_has_the_nonce_of_its_policy(client, path):
    response = client.get(path)
    policy = response.headers["Content-Security-Policy"]
    (nonce,) = re.findall(r"script-src 'nonce-([\w-]{22})' 'strict-dynamic'", policy)
    page = response.content.decode()
    assert "default-src 'none'" in policy and "connect-src 'self' ws://testserver" in policy
    tags = SCRIPT.findall(page) + LINK.findall(page) + HINT.findall(page)
    assert tags and all(f'nonce="{nonce}"' in tag and ("src=" in tag or "href=" in tag) for tag in tags)
    assert not re.search(r"\s(style|on\w+)=", page)
    assert client.get(path).headers["Content-Security-Policy"] != policy


def test_over_https_the_policy_names_the_secure_socket(client):
    policy = client.get("/default/", secure=True).headers["Content-Security-Policy"]
    assert "connect-src 'self' wss://testserver;" in policy


def test_assets_of_another_host_may_be_shown(client, settings):
    settings.STATIC_URL = "https://assets.example/static/"
    policy = client.get("/default/").headers["Content-Security-Policy"]
    assert "img-src 'self' https://assets.example;" in policy


def test_the_policy_can_be_left_to_others(client, settings):
    settings.RTC_CONTENT_SECURITY_POLICY = False
    assert "Content-Security-Policy" not in client.get("/").headers


@pytest.mark.parametrize("attribute", ["csp_nonce", "_csp_nonce"])
def test_a_project_with_nonces_of_its_own_keeps_its_policy(attribute):
    request = RequestFactory().get("/default/")
    setattr(request, attribute, "of-the-project")
    response = ClientView.as_view()(request, alias="default").render()
    assert "Content-Security-Policy" not in response.headers
    page = response.content.decode()
    tags = SCRIPT.findall(page) + HINT.findall(page)
    assert tags and all('nonce="of-the-project"' in tag for tag in tags)
    assert csp.project_nonce(request) == "of-the-project"


@pytest.mark.parametrize("path", ["/nobody/", "/nobody/docs"])
def test_a_stream_that_is_not_there_is_a_404(client, path):
    assert client.get(path).status_code == 404


def render(text, **context):
    return Template("{% load rtc %}" + text).render(RequestContext(RequestFactory().get("/"), context))


def test_the_widget_of_a_stream():
    page = render('{% voice_client "tune" title="Our song" params=params %}', params={"verse": "<2>"})
    assert 'data-websocket-path="/tune/websocket/offer"' in page
    assert 'data-params="{&quot;verse&quot;: &quot;&lt;2&gt;&quot;}"' in page
    assert "Our song" in page
    assert 'data-part="mute"' not in page and 'data-part="meter-out"' in page


def test_several_widgets_share_their_assets_and_no_id():
    page = render('{% voice_client "default" %}{% voice_client "default" %}{% voice_client "form" %}')
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert page.count("data-rtc-client ") == 3
    assert len(ids) == len(set(ids))
    assert len(SCRIPT.findall(page)) == len(LINK.findall(page)) == 1


def test_a_widget_works_without_a_request():
    page = Template('{% load rtc %}{% voice_client "default" %}').render(Context())
    assert "data-rtc-client" in page and "nonce" not in page


def test_blocks_of_the_widget_can_be_overridden(settings, tmp_path):
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "talk.html").write_text(
        '{% extends "rtc/voice_client.html" %}{% block figures %}<p>{{ stream.name }} of ours</p>{% endblock %}'
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    page = render('{% voice_client "default" template="shop/talk.html" %}')
    assert "Echo of ours" in page and "Round trip" not in page and 'data-part="connect"' in page


def write_catalogue(path: Path, words: dict[str, str]) -> None:
    """A compiled catalogue, as msgfmt writes it."""
    texts = {"": "Content-Type: text/plain; charset=UTF-8\n", **words}
    pairs = sorted((key.encode(), text.encode()) for key, text in texts.items())
    at, table, strings = 28 + 16 * len(pairs), b"", b""
    for part in (0, 1):
        for pair in pairs:
            table += struct.pack("<II", len(pair[part]), at + len(strings))
            strings += pair[part] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, at)
    path.parent.mkdir(parents=True)
    path.write_bytes(header + table + strings)


def test_a_project_translates_the_widget_in_its_own_locale_files(settings, tmp_path):
    words = {"Hang up": "Auflegen", "Mute": "Stumm", "All lines are busy.": 'Alles "belegt".'}
    write_catalogue(tmp_path / "de" / "LC_MESSAGES" / "django.mo", words)
    settings.LOCALE_PATHS = [tmp_path]
    with translation.override("de"):
        page = render('{% voice_client "default" %}')
    assert '<span data-part="mute-label">Stumm</span>' in page
    [given] = re.findall(r'<template data-part="words">(.*?)</template>', page)
    assert json.loads(html.unescape(given)) == words
    assert '<template data-part="words">{}</template>' in render('{% voice_client "default" %}')


def test_the_language_of_a_page_is_that_of_its_words(client, settings, tmp_path):
    assert '<html lang="en" dir="ltr">' in get(client, "/default/")
    context = "code of the language that rtc's pages are in"
    write_catalogue(tmp_path / "ar" / "LC_MESSAGES" / "django.mo", {f"{context}\x04en": "ar"})
    settings.LOCALE_PATHS = [tmp_path]
    with translation.override("ar"):
        assert '<html lang="ar" dir="rtl">' in get(client, "/default/")


def test_a_widget_of_no_stream_says_which_there_are():
    with pytest.raises(ImproperlyConfigured, match="no stream 'ecko' in RTC_STREAMS, but default, tune, form"):
        render('{% voice_client "ecko" %}')


def test_an_input_form_becomes_a_form():
    page = render('{% voice_client "form" %}')
    fields = set(re.findall(r'data-field="(\w+)"', page))
    assert fields == set(Booking.base_fields)
    assert set(re.findall(r'name="(\w+)"', page)) == set(Booking.base_fields)
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    assert labelled <= set(re.findall(r'\bid="([^"]+)"', page))


@pytest.mark.parametrize("alias", ["default", "tune", "form"])
def test_the_guide_has_the_addresses_of_its_own_stream(client, alias):
    page = get(client, f"/{alias}/docs")
    found = examples(page)
    socket = "ws://testserver/websocket/offer" if alias == "default" else f"ws://testserver/{alias}/websocket/offer"
    for name in ("client-module", "plain-javascript", "python"):
        assert socket in found[name]
    assert found["rtc-call"].startswith(f"python manage.py rtc_call {alias} ")
    assert "--url http://testserver/ " in found["rtc-call"]
    assert "http://testserver/input_hook" in found["inputs"]
    assert "http://testserver/outputs?webrtc_id=" in found["outputs"]
    assert "{%" not in page.replace("{% load rtc %}{% voice_client", "")


def test_the_guide_follows_the_mode(client):
    talk, listen = (examples(get(client, f"/{alias}/docs")) for alias in ("default", "tune"))
    assert "getUserMedia" in talk["plain-javascript"] and "getUserMedia" not in listen["plain-javascript"]
    assert "takesAudio: false" in listen["client-module"] and "takesAudio" not in talk["client-module"]


def test_the_guide_names_the_fields_of_the_form(client):
    found = examples(get(client, "/form/docs"))
    for name in Booking.base_fields:
        assert f'"{name}"' in found["inputs"] and f'"{name}"' in found["curl-input"]


def test_the_guide_says_when_there_is_no_websocket(client, monkeypatch):
    monkeypatch.setattr(streams.echo, "modality", "video")
    page = get(client, "/default/docs")
    assert "WebSocket connections carry audio" in page and "<code>video</code>" in page
    assert examples(page) == {} and "ws://" not in page


def test_each_stream_is_listed_with_its_page_and_its_guide(client):
    page = get(client, reverse("rtc:streams"))
    for alias in ("default", "tune", "form"):
        assert f'href="/{alias}/"' in page and f'href="/{alias}/docs"' in page


def test_pages_make_one_handler_and_it_may_need_a_loop(client, settings):
    settings.RTC_STREAMS = {"default": f"{__name__}.on_loop"}
    MADE.clear()
    for path in ("/", "/default/", "/default/docs", "/default/"):
        page = get(client, path)
    assert "16000" in page
    assert len(MADE) == 1
