"""Where a stream of a running server is found."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from rtc.directory import DEFAULT_ALIAS

SCHEMES = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Address:
    """`root` is the address of the list of streams, such as `https://shop.example/voice/`.

    Raises:
        ValueError: it is none of `http` or `https`, or has no host, or a port that there is none of.
    """

    root: str
    alias: str = DEFAULT_ALIAS

    def __post_init__(self) -> None:
        parts = urlsplit(self.root)
        if parts.scheme not in SCHEMES or not parts.hostname or parts.port == 0:
            raise ValueError(f"{self.root!r} is no address such as http://127.0.0.1:8000/")

    @classmethod
    def of(cls, url: str, alias: str) -> "Address":
        """The same, or of the stream's socket. Raises: ValueError."""
        scheme, _, rest = url.partition("://")
        if scheme in SCHEMES.values():
            scheme = {socket: page for page, socket in SCHEMES.items()}[scheme]
            rest = rest.removesuffix("websocket/offer").removesuffix(f"/{alias}/") + "/"
        return cls(f"{scheme}://{rest}" if rest else url, alias)

    @property
    def socket(self) -> str:
        parts = urlsplit(self.root)
        stream = "" if self.alias == DEFAULT_ALIAS else f"{self.alias}/"
        path = f"{parts.path.rstrip('/')}/{stream}websocket/offer"
        return parts._replace(scheme=SCHEMES[parts.scheme], path=path, query="").geturl()

    def page(self, name: str, **query: str) -> str:
        """`input_hook` or `outputs`, with what of `query` is not empty."""
        text = urlencode({key: value for key, value in query.items() if value})
        address = f"{self.root.rstrip('/')}/{name}"
        return f"{address}?{text}" if text else address
