"""The door: name and password, the second step, passkeys, and proving again who one is.

An unknown name and a wrong password get the same answer after the same work (Django hashes either way), and both count
against the same limits. Example: the 21st try for 'lan' within a minute is told to wait, also when no 'lan' exists.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.operations import AccountError
from accounts.signin import factors, limits, sessions

MOST_JSON_BYTES = 100_000
LONGEST_PASSWORD = 4_096  # characters; what follows counts nowhere, where it is set as where it is asked for


def next_of(request: HttpRequest) -> str:
    """Where to go after signing in, if it is on this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return _safe(request, wanted)


def _safe(request: HttpRequest, wanted: str) -> str:
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def too_many(wait: int) -> str:
    """The sentence of a limit."""
    return _("Too many attempts. Wait {wait} seconds, then try again.").format(wait=wait)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Who are you?"""
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_of(request))
    if request.method != "POST":
        return _login_page(request)
    name = request.POST.get("username", "").replace("\0", "")[:150]
    if wait := limits.wait_for_name(request, name):
        return _login_page(request, error=too_many(wait), code="rate_limited", status=429, wait=wait)
    user = authenticate(request, username=name, password=request.POST.get("password", "")[:LONGEST_PASSWORD])
    if not isinstance(user, User):
        told = _("The name and the password do not belong together. Capital letters count; please try again.")
        return _login_page(request, error=told, code="wrong_login")
    if factors.has_second_step(user):
        sessions.wait_for_second_step(request, user)
        return HttpResponseRedirect(f"{reverse('accounts:second_step')}?{urlencode({'next': next_of(request)})}")
    sessions.admit(request, user, "password")
    return HttpResponseRedirect(next_of(request))


def _login_page(
    request: HttpRequest, *, error: str = "", code: str = "", status: int = 200, wait: int = 0
) -> HttpResponse:
    context = {
        "next": request.POST.get("next") or request.GET.get("next") or "",
        "username": request.POST.get("username", ""),
        "error": error,
        "code": code,
        "demo": settings.DEMO,
    }
    answer = render(request, "accounts/login.html", context, status=status)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """The code of the authenticator app, a recovery code, or a passkey."""
    user = sessions.pending_user(request)
    if user is None:
        return HttpResponseRedirect(f"{reverse('portal:login')}?{urlencode({'next': next_of(request)})}")
    error, code, status = "", "", 200
    if request.method == "POST":
        if wait := limits.wait_for_code(user.pk):
            error, code, status = too_many(wait), "rate_limited", 429
        elif means := factors.check_code(user=user, code=request.POST.get("code", "")[:40], at=datetime.now(UTC)):
            sessions.admit(request, user, means)
            return HttpResponseRedirect(next_of(request))
        else:
            error, code = (
                _("The code is not right, or has been used. Wait for the next one and try again."),
                "wrong_code",
            )
    context = {"next": next_of(request), "error": error, "code": code, "has_totp": factors.has_totp(user)}
    return render(request, "accounts/second_step.html", context, status=status)


@require_POST
def passkey_begin(request: HttpRequest) -> HttpResponse:
    """A challenge for whichever passkey the browser has for this site."""
    if wait := limits.wait_for_address(request):
        return problem("rate_limited", too_many(wait), 429)
    return JsonResponse(factors.begin_sign_in())


@require_POST
def passkey_finish(request: HttpRequest) -> HttpResponse:
    """The signed challenge: signs in, or proves again who one is where somebody is signed in."""
    body = json_of(request)
    try:
        user = factors.user_of_passkey(body.get("credential"))
    except AccountError as error:
        return problem(error.code, str(error), 400)
    if not request.user.is_authenticated:
        sessions.admit(request, user, "passkey")
    elif request.user.pk == user.pk:
        sessions.freshen(request)
    else:
        return problem("another_user", _("This passkey belongs to another login. Log out first."), 400)
    return JsonResponse({"next": _safe(request, str(body.get("next") or ""))})


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Before something about the login changes: is it still you?"""
    assert isinstance(request.user, User)
    error, code = "", ""
    if request.method == "POST":
        if wait := limits.wait_for_name(request, request.user.username):
            error, code = too_many(wait), "rate_limited"
        elif request.user.check_password(request.POST.get("password", "")[:LONGEST_PASSWORD]):
            sessions.freshen(request)
            return HttpResponseRedirect(next_of(request))
        else:
            error, code = _("The password is not right. Please try again."), "wrong_password"
    context = {
        "next": next_of(request),
        "error": error,
        "code": code,
        "has_password": request.user.has_usable_password(),
        "has_passkey": bool(factors.passkeys(request.user)),
    }
    return render(request, "accounts/confirm.html", context)


def ask_again(request: HttpRequest, then: str) -> HttpResponse:
    """To the page above, and from there to the page `then`."""
    if request.method == "POST":
        messages.info(request, _("Show that it is you, then do it again: nothing has been changed yet."))
    return HttpResponseRedirect(f"{reverse('accounts:confirm')}?{urlencode({'next': then})}")


def to_login(request: HttpRequest) -> HttpResponse:
    """The stock admin's own login page: there is one door for all."""
    return HttpResponseRedirect(
        f"{reverse('portal:login')}?{urlencode({'next': request.GET.get('next') or '/admin/'})}"
    )


def json_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request, empty where it is none."""
    try:
        found = json.loads(request.body[:MOST_JSON_BYTES])
    except (ValueError, RecursionError):  # the latter for brackets within brackets without end
        return {}
    return found if isinstance(found, dict) else {}


def problem(code: str, message: str, status: int) -> HttpResponse:
    """A refusal for the script of a page."""
    return JsonResponse({"code": code, "message": message}, status=status)
