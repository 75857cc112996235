import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.calling import connect, state
from tests.browser.speech import write_speech
from tests.live.servers import Server, migrate

SETTINGS = "tests.browser.settings"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",  # a page that is not of localhost
]


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("browser")
    migrated = directory / "migrated.sqlite3"
    migrate(migrated, SETTINGS)
    with Server("daphne", directory, migrated, settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def spoken_wav(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "spoken.wav"
    write_speech(path)
    return path


# For each module, not for all: while Playwright runs, its event loop is the main thread's, beside which no asynchronous
# test can have its own.
@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[[Path], Browser]]:
    """Starts a Chromium whose microphone hears a WAV file, over and over."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:

        def launch(wav: Path) -> Browser:
            arguments = [*CHROMIUM_ARGUMENTS, f"--use-file-for-fake-audio-capture={wav}"]
            return playwright.chromium.launch(executable_path=chromium, args=arguments)

        yield launch


@pytest.fixture(scope="module")
def browser(launch, spoken_wav) -> Iterator[Browser]:
    browser = launch(spoken_wav)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser, server) -> Iterator[Callable[[str], Page]]:
    """Opens pages of the server, each in a context of its own; what went wrong in them is in `page.problems`."""
    contexts = []

    def open_page(path: str, **options) -> Page:
        context = browser.new_context(**{"permissions": ["microphone"], **options})
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: _note(page, message))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(urljoin(server.http_url(), path))
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page) -> Page:
    """In a call, with its settings unfolded."""
    page = open_page("/default/")
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.get_by_text("Sound settings").click()
    return page


def _note(page: Page, message) -> None:
    if message.type == "error":
        page.problems.append(message.text)
