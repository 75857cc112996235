"""A load balancer that sends each path to a server of its own."""

import asyncio
import re
import threading
from collections.abc import Mapping

HEAD_END = b"\r\n\r\n"
REQUEST_PATH = re.compile(rb"[A-Z]+ ([^ ?]+)")
HOP_BY_HOP = re.compile(rb"\r\nConnection: keep-alive", re.IGNORECASE)
READ_BYTES = 65536


class PathProxy:
    """Listens on a port of its own; `ports` maps the ends of paths to the ports of servers, `""` all that is left.

    A connection carries one request: else the browser would send the next one, for another path, on the same.
    """

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> "PathProxy":
        self._thread.start()
        listening = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._listener = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def http_url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}{path}"

    async def _accept(self, from_browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await from_browser.readuntil(HEAD_END)
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port_for(head))
            try:
                to_server.write(HOP_BY_HOP.sub(b"\r\nConnection: close", head))
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass_on(from_browser, to_server))
                    group.create_task(_pass_on(from_server, to_browser))
            finally:
                to_server.transport.abort()
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass  # the browser opens connections that it does not use
        finally:
            to_browser.close()
            self._tasks.discard(task)

    def _port_for(self, head: bytes) -> int:
        found = REQUEST_PATH.match(head)
        path = found[1].decode() if found else ""
        return next(port for end, port in self._ports.items() if path.endswith(end))

    async def _close(self) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    writer.close()
