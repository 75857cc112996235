"""Pictures of the pages: `python -m tests.browser.screenshots FOLDER`.

With the assistant's models installed, one of them shows a conversation with it; those for README are
`assistant-1280-light.png` and `assistant-360-dark.png`.
"""

import shutil
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rtc import get_tts_model
from tests.browser.conftest import CHROMIUM_ARGUMENTS, SETTINGS
from tests.browser.speech import SAMPLE_RATE
from tests.live.servers import Server, migrate

WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
HEIGHT = 800
PHRASES = ("Take a note, call the dentist tomorrow morning.", "Read my notes.")
PAUSE_S = 9.0
ANSWER_TIMEOUT_MS = 30_000


def write_phrases(path: Path) -> None:
    parts = [np.zeros(2 * SAMPLE_RATE)]
    for phrase in PHRASES:
        rate, spoken = get_tts_model().tts(phrase)
        parts += [soxr.resample(spoken, rate, SAMPLE_RATE) * 0.7, np.zeros(round(PAUSE_S * SAMPLE_RATE))]
    samples = np.concatenate(parts)
    noise = np.random.default_rng(seed=7).standard_normal(samples.size) * 10 ** (-60 / 20)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(((samples + noise) * 32767).astype("<i2").tobytes())


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect").click()


def idle(page: Page) -> None:
    expect(page.get_by_role("button", name="Connect")).to_be_enabled()


def call(page: Page) -> None:
    connect(page)
    page.wait_for_timeout(6000)
    page.mouse.move(0, 0)


def form(page: Page) -> None:
    connect(page)
    expect(page.locator("[data-part=input]")).to_contain_text("The stream asks for input")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[aria-invalid]")).not_to_have_count(0)


def conversation(page: Page) -> None:
    connect(page)
    turns = page.locator("[data-part=conversation] li")
    expect(turns).to_have_count(1 + 2 * len(PHRASES), timeout=ANSWER_TIMEOUT_MS)
    expect(page.locator("[data-part=state]")).to_have_text("The stream is speaking", timeout=ANSWER_TIMEOUT_MS)
    page.wait_for_timeout(1500)
    page.mouse.move(0, 0)


def nothing(page: Page) -> None:
    pass


PAGES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "list": ("/", nothing),
    "guide": ("/default/docs", nothing),
    "idle": ("/default/", idle),
    "call": ("/default/", call),
    "form": ("/form/", form),
    "widgets": ("/shop/", nothing),
    "assistant": ("/assistant/", conversation),
}


def take(browser: Browser, server: Server, folder: Path, names: list[str]) -> None:
    for scheme in SCHEMES:
        for width in WIDTHS:
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, permissions=["microphone"]
            )
            for name in names:
                path, prepare = PAGES[name]
                page = context.new_page()
                page.goto(server.http_url(path))
                prepare(page)
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                page.close()
            context.close()


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        said, migrated = Path(scratch) / "said.wav", Path(scratch) / "migrated.sqlite3"
        write_phrases(said)
        migrate(migrated, SETTINGS)
        with Server("daphne", Path(scratch), migrated, settings=SETTINGS) as server:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=[*CHROMIUM_ARGUMENTS, f"--use-file-for-fake-audio-capture={said}"],
            )
            take(browser, server, folder, names)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(PAGES))
