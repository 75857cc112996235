"""A server that a test plays to the page."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute

from tests.browser.waiting import wait_until

SAMPLE_RATE = 24000
FRAME = bytes(range(240)) * 2  # 20 ms of mu-law at SAMPLE_RATE
FRAME_S = 0.02
CLIENT = "document.querySelector('[data-rtc-client]').rtcClient"


class Peer:
    """The server's side of one call; `received` holds the JSON, `audio` the binary frames."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.received: list[dict] = []
        self.starts: list[dict] = []
        self.audio: list[bytes] = []
        page.route_web_socket("**/websocket/offer", self._accept)
        page.get_by_role("button", name="Connect").click()
        self.wait_for("start")

    def _accept(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._take)

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.audio.append(message)
        else:
            self.received.append(json.loads(message))
            if self.received[-1]["event"] == "start":
                self.start = self.received[-1]
                self.starts.append(self.start)

    def send(self, **message) -> None:
        self.socket.send(json.dumps(message))

    def send_started(self) -> None:
        media_format = self.start["media_format"]
        self.send(
            event="started", session_id=self.start["websocket_id"], media_format=media_format, output=media_format
        )

    def wait_for(self, event: str) -> dict:
        return self.wait_until(lambda: [message for message in self.received if message["event"] == event])[0]

    def wait_until(self, condition: Callable[[], list]) -> list:
        return wait_until(self._page, condition)
