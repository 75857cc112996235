"""Requests from pages of other origins: preflights, and answers that such a page may read."""

import logging
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import HttpHeaders
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from rtc.answers import Refusal
from rtc.conf import conf
from rtc.origins import LOOKED_AT

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponseBase]]

ALLOWED_HEADERS = "Content-Type, Last-Event-ID"
PREFLIGHT_MAX_AGE_S = 600


def headers_of(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """The headers of a request that `rtc.origins` looks at, as a WebSocket's scope has them."""
    found = {name: request.META.get(HttpHeaders.to_wsgi_name(name.decode())) for name in LOOKED_AT}
    return [(name, value.encode("latin-1", "replace")) for name, value in found.items() if value is not None]


def cross_origin(method: str) -> Callable[[View], View]:
    """Make an async view of one method that pages of any origin may ask and whose answers they may read.

    Whether it serves them is the view's to decide (`rtc.ownership`): reading why it does not does no harm, since a
    browser sends cookies along only to where `RTC_ALLOWED_ORIGINS` names the page's origin. What the view raises as
    `Refusal` becomes its answer.
    """

    def decorate(view: View) -> View:
        @csrf_exempt  # no cookie counts on the word of a page whose origin was not checked
        @wraps(view)
        async def wrapper(request: HttpRequest) -> HttpResponseBase:
            response = await _answer(view, request, method)
            _let_read(response, request.META.get("HTTP_ORIGIN"))
            return response

        return wrapper

    return decorate


async def _answer(view: View, request: HttpRequest, method: str) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return _preflight(method)
    if request.method != method:
        return HttpResponseNotAllowed([method, "OPTIONS"])
    try:
        return await view(request)
    except Refusal as refusal:
        return refusal.response()
    except (OperationalError, InterfaceError) as error:
        logger.warning("%s can't be answered, the database is locked or away: %s", request.path, error)
        return Refusal(503, "no_database", "The database can't be reached. Try again.").response()


def _preflight(method: str) -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={
            "Allow": f"{method}, OPTIONS",
            "Access-Control-Allow-Methods": method,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
        },
    )


def _let_read(response: HttpResponseBase, origin: str | None) -> None:
    patch_vary_headers(response, ["Origin"])
    if origin is None:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    if origin in conf.RTC_ALLOWED_ORIGINS:
        response.headers["Access-Control-Allow-Credentials"] = "true"
