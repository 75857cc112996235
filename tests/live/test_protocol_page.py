"""The client on docs/protocol.md, run as it stands there."""

import asyncio

import numpy as np
import pytest

from rtc.core.audio import decode_pcm16
from tests.blocks import ROOT, blocks_of
from tests.live.tones import frequency_of

pytestmark = pytest.mark.live


async def test_the_twenty_lines_make_a_call(server):
    [block] = [block for block in blocks_of(ROOT / "docs" / "protocol.md") if block.language == "python"]
    names: dict = {"print": lambda *args: None}
    exec(compile(block.text, block.place, "exec"), names)
    async with asyncio.timeout(10):
        heard = decode_pcm16(await names["call"](server.websocket_url("/exact/websocket/offer"), "of-the-docs"))
    rate = names["RATE"]
    assert np.abs(heard).max() > 7000
    assert frequency_of(heard[: rate // 2], rate) == pytest.approx(440, rel=0.01)
