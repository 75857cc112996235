"""The README's steps, done as they stand there, in an empty environment."""

import json
import re
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from rtc.management.commands.rtc_call import write_wav
from rtc.testing.dialling import read_audio
from tests.blocks import ROOT, blocks_of
from tests.live.tones import frequency_of, sine
from tests.packaging.shop import ADMIN, PASSWORD, Shop

pytestmark = pytest.mark.live

RATE = 16000
TONE_HZ = 440.0
BLOCKS = blocks_of(ROOT / "README.md")
HANDLER = BLOCKS[0]
STEPS = [block for block in BLOCKS if block.heading == "Add it to your project"]
MORE_STEPS = [block for block in BLOCKS if block.heading == "Inputs and outputs"]
TEST_STEPS = [block for block in BLOCKS if block.heading == "Test your handler"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory, distributions) -> Iterator[Shop]:
    """The project, running, after the steps of both sections up to their calls."""
    directory = tmp_path_factory.mktemp("someone")
    [wheel] = distributions.glob("*.whl")
    shop = Shop(directory, wheel)
    install, settings, urls, asgi, start, _ = STEPS
    stream, more_settings, _ = MORE_STEPS
    try:
        shop.follow(install)
        for block in (HANDLER, settings, urls, asgi, stream, more_settings):
            shop.follow(block)
        shop.output = shop.follow(start)
        yield shop
    finally:
        shop.stop()


@pytest.fixture(scope="module")
def echoed(shop) -> tuple[int, np.ndarray]:
    write_wav(shop.directory / "hello.wav", RATE, sine(TONE_HZ, 1.0, RATE))
    shop.follow(STEPS[-1])
    return read_audio(shop.directory / "answer.wav")


def test_check_has_nothing_to_say(shop):
    assert "System check identified no issues" in shop.output


def test_the_call_is_echoed(echoed):
    rate, heard = echoed
    assert rate == RATE
    assert frequency_of(heard[RATE // 5 : RATE * 4 // 5], RATE) == pytest.approx(TONE_HZ, rel=0.005)


def test_inputs_reach_the_handler_and_outputs_the_caller(shop):
    printed = shop.follow(MORE_STEPS[-1])
    outputs = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert outputs == [{"city": "Paris", "sunny": [True, False, True]}]


def test_the_test_of_the_handler_passes(shop, echoed):
    printed = "".join(shop.follow(block) for block in TEST_STEPS)
    assert "1 passed" in printed


def test_the_pages_and_all_that_they_load_are_served(shop):
    with httpx.Client(base_url=shop.url, trust_env=False) as browser:
        assert "/voice/forecast/" in browser.get("/voice/").text
        page = browser.get("/voice/default/")
        assert page.status_code == 200
        loaded = set(re.findall(r'(?:src|href)="(/static/rtc/[^"]+)"', page.text))
        assert {path.rpartition(".")[2] for path in loaded} >= {"js", "css"}
        assert [path for path in loaded if browser.get(path).status_code != 200] == []


def test_the_admin_shows_the_call(shop, echoed):
    with httpx.Client(base_url=shop.url, trust_env=False, follow_redirects=True) as browser:
        browser.get("/admin/login/")
        form = {
            "username": ADMIN["DJANGO_SUPERUSER_USERNAME"],
            "password": PASSWORD,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            "next": "/admin/rtc/session/",
        }
        page = browser.post("/admin/login/", data=form)
    assert page.url.path == "/admin/rtc/session/"
    assert "client_stop" in page.text and "default" in page.text


def test_nothing_went_wrong_in_the_server(shop, echoed):
    assert "Traceback" not in shop.log
