"""What every request of a signed-in browser passes: the demand for a second step, and when it was last seen."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.api.problems import Problem, refuse
from accounts.models import Login
from accounts.signin.sessions import MUST_ADD, SEEN_AT, recheck_new_staff

SEEN_EVERY_SECONDS = 600
ALWAYS_OPEN = ("/account/", "/login/", "/logout/", "/language/", "/static/", "/favicon.ico")
FOR_ALL = "/healthz"


class KnownBrowser:
    """Sends administrators who owe a second step to the page that adds one; notes each browser's last visit.

    A request without a session cookie (a program with its token) is not touched.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            if request.path != FOR_ALL and not request.path.startswith(ALWAYS_OPEN):
                recheck_new_staff(request)
                if request.session.get(MUST_ADD):
                    return _first_add_one(request)
            _note_visit(request)
        return self.get_response(request)


def _first_add_one(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        told = "Administrators need a second step here; add a passkey or an authenticator app on your account page."
        return refuse(Problem(403, "second_step_needed", told))
    return HttpResponseRedirect(reverse("accounts:account"))


def _note_visit(request: HttpRequest) -> None:
    """Once in ten minutes, so that reading pages writes next to nothing."""
    now, seen = datetime.now(UTC), request.session.get(SEEN_AT)
    if seen is not None and now.timestamp() - seen > SEEN_EVERY_SECONDS:
        request.session[SEEN_AT] = now.timestamp()
        Login.objects.filter(session_key=request.session.session_key).update(seen_at=now)
