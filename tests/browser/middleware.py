import secrets


def content_security_policy(get_response):
    """What the admin has to work under; the app's own pages bring a policy of theirs."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'")
        return response

    return middleware


def project_policy(get_response):
    """A project with a policy and nonces of its own, for the page that it puts widgets on."""

    def middleware(request):
        if not request.path.startswith("/shop/"):
            return get_response(request)
        request.csp_nonce = secrets.token_urlsafe(16)
        response = get_response(request)
        nonce = f"'nonce-{request.csp_nonce}'"
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src {nonce} 'strict-dynamic'; style-src {nonce}"
        )
        return response

    return middleware
