"""The Content-Security-Policy of the app's own pages: nothing inline, nothing from elsewhere."""

import secrets
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.templatetags.static import static

NONCE_BYTES = 16

POLICY = (
    "default-src 'none'",
    # Imports and audio worklets are loaded on the word of the script that asks for them.
    "script-src 'nonce-{nonce}' 'strict-dynamic'",
    "style-src 'nonce-{nonce}'",
    "img-src 'self'{assets}",
    "connect-src 'self' {socket}",
    "base-uri 'none'",
    "form-action 'self'",
)


def project_nonce(request: HttpRequest | None) -> str:
    """The nonce that the project's own middleware made for this answer; empty when it has none."""
    for name in ("csp_nonce", "_csp_nonce"):  # django-csp; Django 6
        nonce = getattr(request, name, None)
        if nonce is not None:
            return str(nonce)
    return ""


def new_nonce() -> str:
    return secrets.token_urlsafe(NONCE_BYTES)


def policy(request: HttpRequest, nonce: str) -> str:
    """The header for a page with scripts of this nonce.

    Not every browser takes `'self'` for the page's WebSockets too, so they are named.
    """
    socket = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    assets = urlsplit(static("rtc/icon.svg"))
    elsewhere = f" {assets.scheme or request.scheme}://{assets.netloc}" if assets.netloc else ""
    return "; ".join(POLICY).format(nonce=nonce, socket=socket, assets=elsewhere)
