"""What a WebSocket was opened with, for handlers to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from django.http import parse_cookie
from django.utils.datastructures import CaseInsensitiveMapping


@dataclass(frozen=True)
class Handshake:
    """Read as FastRTC's handlers read Starlette's `WebSocket`. Whose session it is, Django's
    middleware has found out, and `handler.session.user` tells: nothing here proves it.

    Args:
        scope: ASGI's.
        is_trusted: whether the page is one that may act for its user; if not, there are no cookies.
    """

    scope: Mapping[str, Any]
    is_trusted: bool = True

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case; of several of one name, the last."""
        return CaseInsensitiveMapping(
            {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in self.scope["headers"]
                if self.is_trusted or name != b"cookie"
            }
        )

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        return parse_cookie(self.headers.get("cookie", ""))

    @cached_property
    def query_params(self) -> Mapping[str, str]:
        """Of several of one name, the last."""
        return dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))

    @property
    def path(self) -> str:
        path: str = self.scope["path"]
        return path

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port; None where the server knows none."""
        client = self.scope.get("client")
        return None if client is None else (client[0], client[1])
