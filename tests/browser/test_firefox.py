"""Our pages in Debian's Firefox, heard with a microphone and a loudspeaker.

What the pages say and do is tested by the tests of Chromium, which are imported and run here with another browser.
"""

import shutil
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.calling import compare, connect, connect_for_echo, reason, state
from tests.browser.sound_device import SoundDevice
from tests.browser.test_bad_network import (  # noqa: F401
    test_a_call_that_was_cut_goes_on_as_another_session,
    test_frames_that_come_late_and_in_bunches_leave_no_gap,
)
from tests.browser.test_client_page import (  # noqa: F401
    LONGEST_DELAY_S,
    LONGEST_GAP_S,
    test_a_blocked_microphone_is_explained,
    test_a_muted_microphone_is_silent,
    test_a_stream_that_only_plays_asks_for_no_microphone,
    test_an_insecure_page_is_explained,
    test_hanging_up_says_so_and_another_call_can_follow,
    test_inputs_are_asked_for_and_all_outputs_come_to_the_last,
    test_nothing_sticks_out_sideways,
)
from tests.browser.test_devices import (  # noqa: F401
    test_a_microphone_that_is_unplugged_is_replaced,
    test_a_remembered_microphone_that_is_not_there_is_replaced,
    test_sound_that_the_device_pauses_is_told_of_and_goes_on_with_a_tap,
)
from tests.browser.test_permissions import test_a_microphone_is_chosen_in_a_call_and_remembered  # noqa: F401
from tests.browser.test_widgets import (  # noqa: F401
    test_a_call_is_made_with_the_keyboard_alone,
    test_a_form_is_filled_in_and_what_is_wrong_stands_beside_its_field,
    test_a_widget_of_which_only_the_buttons_are_left_still_works,
    test_no_other_host_is_asked,
    test_two_widgets_of_one_page_call_side_by_side,
)

pytestmark = [pytest.mark.live, pytest.mark.long]

RELAY = Path(__file__).with_name("bidi_relay.py")
ALLOWED, DENIED = 1, 2  # what Firefox writes down for a permission
LISTENED_S = 20


@pytest.fixture(scope="module")
def sound_device(tmp_path_factory, spoken_wav) -> Iterator[SoundDevice]:
    if shutil.which("pulseaudio") is None or shutil.which("parec") is None:
        pytest.skip("there is no pulseaudio (Debian: apt-get install pulseaudio pulseaudio-utils)")
    with wave.open(str(spoken_wav)) as file:
        spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    with SoundDevice(tmp_path_factory.mktemp("sound")) as device, device.speaking(spoken):
        yield device


@pytest.fixture(scope="module")
def launch(playwright, sound_device, tmp_path_factory) -> Callable[[int], Browser]:
    """Starts a Firefox with a permission for microphones."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None:
        pytest.skip("there is no firefox (Debian: apt-get install firefox-esr)")
    starter = tmp_path_factory.mktemp("firefox") / "firefox"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{RELAY}" "{firefox}" "$@"\n')
    starter.chmod(0o700)

    def launch(permission: int) -> Browser:
        preferences = {
            "permissions.default.microphone": permission,
            "network.dns.localDomains": "insecure.test",  # a page that is not of localhost
        }
        return playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=starter,
            env=sound_device.environment,
            firefox_user_prefs=preferences,
        )

    return launch


@pytest.fixture(scope="module")
def browser(launch) -> Iterator[Browser]:
    browser = launch(ALLOWED)
    yield browser
    browser.close()


def test_what_is_said_is_heard_from_the_loudspeaker(open_page, sound_device):
    page = open_page("/default/")
    connect_for_echo(page)
    with sound_device.recording("mouth") as said, sound_device.recording("speaker") as heard:
        page.wait_for_timeout(LISTENED_S * 1000)
        echo = compare(said.recorded(), heard.recorded())
    assert echo.correlation > 0.95
    assert echo.longest_gap_s <= LONGEST_GAP_S
    assert max(echo.delays_s) <= LONGEST_DELAY_S
    assert page.problems == []


def test_speakers_are_the_systems_to_choose(open_page):
    page = open_page("/default/")
    connect_for_echo(page)
    expect(page.get_by_role("combobox", name="Microphone")).to_be_visible()
    expect(page.get_by_role("combobox", name="Speaker")).to_have_count(0)


def test_a_permission_that_is_denied_is_explained(launch, server):
    browser = launch(DENIED)
    page = browser.new_page()
    page.goto(server.http_url("/default/"))
    connect(page)
    expect(state(page)).to_have_text("Not connected")
    expect(reason(page)).to_contain_text("The microphone is blocked.")
    expect(page.get_by_role("button", name="Connect again")).to_be_enabled()
    browser.close()
