"""Which pages may connect (RFC 6454). A client that is no browser sends no `Origin` and passes."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from rtc.conf import conf

LOCAL_HOSTS = [".localhost", "127.0.0.1", "[::1]"]
"""What Django itself serves with DEBUG on and ALLOWED_HOSTS empty."""

LOOKED_AT = (b"origin", b"host", b"x-forwarded-host")

Headers = Iterable[tuple[bytes, bytes]]


def origin_allowed(headers: Headers) -> bool:
    """Whether a request with these headers may be served: no `Origin`, our own, or one of `RTC_ALLOWED_ORIGINS`."""
    return "*" in conf.RTC_ALLOWED_ORIGINS or origin_trusted(headers)


def origin_trusted(headers: Headers) -> bool:
    """Whether the cookies of a request with these headers count too: `*` is no reason to trust a page with them."""
    found = {name: value.decode("latin-1") for name, value in headers if name in LOOKED_AT}
    origin = found.get(b"origin")
    return origin is None or origin in conf.RTC_ALLOWED_ORIGINS or _is_own(origin, _host(found))


def _host(found: dict[bytes, str]) -> str:
    """The host that the browser asked for, found as `HttpRequest.get_host` finds it."""
    forwarded = found.get(b"x-forwarded-host") if settings.USE_X_FORWARDED_HOST else None
    return found.get(b"host", "") if forwarded is None else forwarded


def _is_own(origin: str, host: str) -> bool:
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    domain, _ = split_domain_port(host.lower())
    hosts = settings.ALLOWED_HOSTS or (LOCAL_HOSTS if settings.DEBUG else [])
    return bool(domain) and netloc.lower() == host.lower() and validate_host(domain, hosts)
