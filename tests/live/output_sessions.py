"""Sessions that emit outputs as the test wants them: see `tests.live.output_streams`."""

import secrets

from tests.live.client import open_client
from tests.live.servers import Server

SETTINGS = "tests.live.output_settings"
DECLARED = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
COUNTING = "/counting/websocket/offer"
FRAME = bytes([255]) * 480


def new_id() -> str:
    return secrets.token_hex(8)


def numbered(count: int) -> list[dict[str, int]]:
    """What a session with that `count` emits."""
    return [{"n": n} for n in range(count)]


async def run_session(server: Server, session_id: str, **params) -> None:
    """A session from start to end."""
    async with open_client(server.websocket_url(COUNTING)) as client:
        await client.start(session_id, media_format=DECLARED, params={"close": True, **params})
        code = await client.wait_closed()
        assert code == 1000, (session_id, code, client.socket.close_reason, client.messages)
