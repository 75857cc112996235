import pytest

from rtc.cors import headers_of
from rtc.origins import origin_allowed, origin_trusted


def allowed(origin, host="shop.example"):
    headers = [(b"host", host.encode()), (b"user-agent", b"test")]
    if origin is not None:
        headers.append((b"origin", origin.encode("latin-1")))
    return origin_allowed(headers)


@pytest.fixture(autouse=True)
def shop(settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["shop.example", ".shop.test"]
    settings.RTC_ALLOWED_ORIGINS = []


def test_a_client_that_is_no_browser_passes():
    assert allowed(None)
    assert allowed(None, host="other.example")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://shop.example", "shop.example"),
        ("http://shop.example", "shop.example"),
        ("https://shop.example:8443", "shop.example:8443"),
        ("https://SHOP.example", "shop.EXAMPLE"),
        ("https://a.shop.test", "a.shop.test"),
    ],
)
def test_our_own_pages_pass(origin, host):
    assert allowed(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://other.example", "shop.example"),
        ("https://other.example", "other.example"),
        ("https://shop.example:8443", "shop.example"),
        ("https://shop.example.other.example", "shop.example"),
        ("https://shop.example@other.example", "shop.example"),
        ("null", "shop.example"),
        ("", "shop.example"),
        ("", ""),
        ("https://", ""),
        ("https://[shop.example", "shop.example"),
        ("file://", "shop.example"),
        ("\xe4", "shop.example"),
    ],
)
def test_other_pages_do_not(origin, host):
    assert not allowed(origin, host)


def test_without_a_host_header_no_page_passes():
    assert not origin_allowed([(b"origin", b"https://shop.example")])


@pytest.mark.parametrize(
    ("origin", "forwarded", "passes"),
    [
        ("https://shop.example", "shop.example", True),
        ("https://inside.shop.test", "shop.example", False),
        ("https://other.example", "other.example", False),
        ("https://shop.example", "", False),
    ],
)
def test_a_proxy_that_asks_by_another_name_is_believed_where_django_does(settings, origin, forwarded, passes):
    def allowed():
        hosts = [(b"host", b"inside.shop.test"), (b"x-forwarded-host", forwarded.encode())]
        return origin_allowed([*hosts, (b"origin", origin.encode())])

    assert allowed() == (origin == "https://inside.shop.test")
    settings.USE_X_FORWARDED_HOST = True
    assert allowed() == passes


def test_requests_are_looked_at_as_sockets_are(settings, rf):
    settings.USE_X_FORWARDED_HOST = True
    more = {"host": "inside.shop.test", "x-forwarded-host": "shop.example"}
    assert origin_allowed(headers_of(rf.get("/", headers={**more, "origin": "https://shop.example"})))
    assert not origin_allowed(headers_of(rf.get("/", headers={**more, "origin": "https://inside.shop.test"})))


def test_other_origins_can_be_allowed(settings):
    settings.RTC_ALLOWED_ORIGINS = ["https://other.example"]
    assert allowed("https://other.example")
    assert not allowed("https://third.example")
    settings.RTC_ALLOWED_ORIGINS = ["*"]
    assert allowed("https://third.example")


def test_cookies_count_for_our_own_pages_and_for_named_ones_but_not_for_a_star(settings):
    def trusted(origin):
        return origin_trusted([(b"host", b"shop.example"), *([(b"origin", origin)] if origin else [])])

    settings.RTC_ALLOWED_ORIGINS = ["*", "https://other.example"]
    assert trusted(None) and trusted(b"https://shop.example") and trusted(b"https://other.example")
    assert not trusted(b"https://third.example") and not trusted(b"*x") and not trusted(b"null")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "a.localhost"])
def test_with_debug_on_local_pages_pass(settings, host):
    settings.ALLOWED_HOSTS = []
    assert not allowed(f"http://{host}", host)
    settings.DEBUG = True
    assert allowed(f"http://{host}", host)
    assert not allowed("http://other.example", "other.example")
