"""Firefox, for Playwright to start: `bidi_relay.py FIREFOX ARGUMENT...`.

Playwright drives a stock Firefox by WebDriver BiDi. Of each new context it sets the colour scheme, also to none, by a
command that Firefox 153 does not know. Here this one is answered; all others are passed on, and so is what comes back.
"""

import asyncio
import json
import re
import sys

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

UNKNOWN = "emulation.setMediaFeaturesOverride"
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


async def main(command: list[str]) -> int:
    firefox = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    url = await listening_url(firefox.stderr)

    async def relay(playwright: ServerConnection) -> None:
        async with connect(f"{url}/session", max_size=None) as browser:
            answers = asyncio.create_task(pass_answers(browser, playwright))
            await pass_commands(playwright, browser)
            await answers

    async with serve(relay, "127.0.0.1", 0, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        say(b"WebDriver BiDi listening on ws://127.0.0.1:%d\n" % port)  # for Playwright to read
        async for line in firefox.stderr:
            say(line)
        return await firefox.wait()


async def listening_url(lines: asyncio.StreamReader) -> str:
    async for line in lines:
        if match := LISTENING.search(line):
            return match[1].decode()
        say(line)
    raise RuntimeError("Firefox ended before it listened")


async def pass_commands(playwright: ServerConnection, browser: ClientConnection) -> None:
    async for text in playwright:
        command = json.loads(text)
        if command["method"] == UNKNOWN:
            await playwright.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
        else:
            await browser.send(text)


async def pass_answers(browser: ClientConnection, playwright: ServerConnection) -> None:
    async for text in browser:
        await playwright.send(text)


def say(line: bytes) -> None:
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
