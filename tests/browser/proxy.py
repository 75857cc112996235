"""A network between a browser and a server that can be cut, or is uneven."""

import asyncio
import random
import re
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

REQUEST = re.compile(rb"(?:GET|POST) (\S+) HTTP/1\.1\r\n")
READ_BYTES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """Of what the server sends, a `share` is held back for a time between the two; what follows waits behind it."""

    share: float
    shortest_s: float
    longest_s: float


@dataclass(eq=False)
class Connection:
    """`target`: what its newest request asked for; `doomed`: its next data from the server comes by half."""

    browser: asyncio.StreamWriter
    server: asyncio.StreamWriter
    target: str = ""
    doomed: bool = False

    def abort(self) -> None:
        self.browser.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Passes TCP connections on to a port, on a port of its own, until it is told to cut them."""

    def __init__(self, server_port: int, jitter: Jitter | None = None) -> None:
        self.requests: list[str] = []
        self.delays_s: list[float] = []
        self._jitter = jitter
        self._random = random.Random(7)
        self._server_port = server_port
        self._stalled_until = 0.0
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._listener = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def http_url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}{path}"

    def requests_for(self, path: str) -> list[str]:
        return [target for target in self.requests if target.startswith(path)]

    def cut(self, path: str) -> None:
        """Let half of what the server sends next on the connections for that path through, drop the rest, and end them.

        Raises:
            ValueError: there is none.
        """
        self._run(self._doom(path))

    def stall(self, seconds: float) -> None:
        """Hold back all that the servers send, for so long from now."""
        self._stalled_until = self._loop.time() + seconds

    async def _doom(self, path: str) -> None:
        found = [connection for connection in self._connections if connection.target.startswith(path)]
        if not found:
            raise ValueError(f"no connection for {path}")
        for connection in found:
            connection.doomed = True

    async def _accept(self, from_browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        connection = Connection(to_browser, to_server)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_requests(from_browser, connection))
                group.create_task(self._pass_answers(from_server, connection))
        except* ConnectionError:
            pass
        finally:
            connection.abort()
            self._connections.discard(connection)
            self._tasks.discard(asyncio.current_task())

    async def _pass_requests(self, from_browser: asyncio.StreamReader, connection: Connection) -> None:
        while data := await from_browser.read(READ_BYTES):
            if found := REQUEST.match(data):  # what a browser sends on a WebSocket is masked
                connection.target = found[1].decode()
                self.requests.append(connection.target)
            connection.server.write(data)
            await connection.server.drain()
        connection.abort()

    async def _pass_answers(self, from_server: asyncio.StreamReader, connection: Connection) -> None:
        while data := await from_server.read(READ_BYTES):
            await self._hold_back()
            connection.browser.write(data[: len(data) // 2] if connection.doomed else data)
            await connection.browser.drain()
            if connection.doomed:
                break
        connection.abort()

    async def _hold_back(self) -> None:
        await asyncio.sleep(self._stalled_until - self._loop.time())
        jitter = self._jitter
        if jitter is not None and self._random.random() < jitter.share:
            delay_s = self._random.uniform(jitter.shortest_s, jitter.longest_s)
            self.delays_s.append(delay_s)
            await asyncio.sleep(delay_s)

    async def _close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
