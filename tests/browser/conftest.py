import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.calling import connect, state
from tests.browser.speech import write_speech
from tests.live.servers import Server, migrated

SETTINGS = "tests.browser.settings"
# A window's address bar keeps two pages of its own ready, unseen: they cost more than the page that is tested.
ADDRESS_BAR = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"]
# Of Playwright's own list, which ours takes the place of.
SURPRISES = ["HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "OptimizationHints"]
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--renderer-process-limit=1",  # for each context: a process for each page costs more than the page
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(ADDRESS_BAR + SURPRISES)}",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",  # a page that is not of localhost
]

CHROMIUM = "chromium"
# Has no windows, and takes a third less processor time. It has nobody to ask whether a page may use the microphone.
HEADLESS = "chromium-headless-shell"
NOT_ASKING = "--use-fake-ui-for-media-stream"

PERMITTED = {"permissions": ["microphone"]}


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("browser")
    with Server("daphne", directory, migrated(tmp_path_factory), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def spoken_wav(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "spoken.wav"
    write_speech(path)
    return path


# For the browser tests, not for all: while Playwright runs, its event loop is the main thread's, beside which no
# asynchronous test can have its own.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def launch(playwright) -> Callable[..., Browser]:
    """Starts a Chromium whose microphone hears a WAV file, over and over; `asks`: for leave to use it."""

    def launch(wav: Path, *, asks: bool = False) -> Browser:
        names = [CHROMIUM] if asks else [HEADLESS, CHROMIUM]
        path = next(filter(None, map(shutil.which, names)), None)
        if path is None:
            pytest.skip(f"there is no {names[0]} (Debian: apt-get install {names[0]})")
        arguments = [*CHROMIUM_ARGUMENTS, f"--use-file-for-fake-audio-capture={wav}"]
        if not asks:
            arguments.append(NOT_ASKING)
        return playwright.chromium.launch(executable_path=path, args=arguments)

    return launch


@pytest.fixture(scope="package")
def browser(launch, spoken_wav) -> Iterator[Browser]:
    browser = launch(spoken_wav)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def usual_context(browser) -> Iterator[BrowserContext]:
    """One for many tests: a page in a new one costs twice the processor time."""
    context = browser.new_context(**PERMITTED)
    yield context
    context.close()


@pytest.fixture
def open_page(browser, server, usual_context) -> Iterator[Callable[[str], Page]]:
    """Opens pages of the server, which know nothing of each other; what went wrong in them is in `page.problems`."""
    contexts = []

    def open_page(path: str, **options) -> Page:
        if options or contexts or browser.browser_type.name != "chromium":
            context = browser.new_context(**{**PERMITTED, **options})
            page = context.new_page()
        else:
            context = usual_context
            page = context.new_page()
            _forget(page, server.http_url())
        contexts.append(context)
        page.problems = []
        page.on("console", lambda message: _note(page, message))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(urljoin(server.http_url(), path))
        return page

    yield open_page
    for context in contexts:
        if context is usual_context:
            for page in context.pages:
                page.close()
        else:
            context.close()


@pytest.fixture
def page_with_clock(open_page) -> Page:
    """A page whose clock the test may set: what is done to a clock stays with the context."""
    page = open_page("/default/", **PERMITTED)
    page.clock.install()
    return page


@pytest.fixture
def page(open_page) -> Page:
    """In a call, with its settings unfolded."""
    page = open_page("/default/")
    connect(page)
    expect(state(page)).to_have_text("The stream is speaking")
    page.get_by_text("Sound settings").click()
    return page


def _forget(page: Page, url: str) -> None:
    """Have the page's context keep nothing of that origin, as if it had never been there."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("Storage.clearDataForOrigin", {"origin": url.rstrip("/"), "storageTypes": "all"})
    protocol.detach()


def _note(page: Page, message) -> None:
    if message.type == "error":
        page.problems.append(message.text)
