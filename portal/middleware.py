"""The Content-Security-Policy of every page: scripts, styles, fonts and sockets come from this site alone. And a page
for those who come by themselves to an address that only takes a form."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.views import form_only

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class _Around:
    """What every middleware here has: the rest of the way to the page."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response


class ContentSecurityPolicyMiddleware(_Around):
    """Adds the policy to every response that does not bring its own."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class FormOnlyMiddleware(_Around):
    """Says in words that an address takes a form alone, where a person would see an empty page: after a change of
    language, a login or a reload of what a refused form answered."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        reads = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if response.status_code != 405 or not reads or response.streaming or response.content:
            return response
        page = form_only(request)
        page.headers["Allow"] = response.headers.get("Allow", "POST")
        return page
