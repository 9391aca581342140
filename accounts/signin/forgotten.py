"""A forgotten password: ask for a letter, follow its link, set another password, log in with it.

Whoever asks gets the same page after the same work, whether there is such a login or not: the letter is looked for and
written by a worker, after the answer. Tries are counted by what was typed and by where it came from, known or not.
"""

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError

from accounts.operations import AccountError
from accounts.operations import resets as operations
from accounts.signin import limits, mails
from accounts.signin.pages import LONGEST_PASSWORD, too_many
from accounts.tasks import send_reset_letters

LONGEST_NAME = 254


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Whose password?"""
    if request.method != "POST":
        return _ask(request)
    named = request.POST.get("named", "").replace("\0", "").strip()[:LONGEST_NAME]
    if wait := limits.wait_for_reset(request, named):
        answer = _ask(request, error=too_many(wait), status=429)
        answer.headers["Retry-After"] = str(wait)
        return answer
    try:
        send_reset_letters.delay(named, mails.link_to(request, reverse("accounts:forgotten")))
    except OperationalError:
        return _ask(request, error=_("Letters cannot be sent now. Try again in a few minutes."), status=503)
    return render(request, "accounts/forgotten_sent.html")


def _ask(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {"error": error, "named": request.POST.get("named", "")}
    return render(request, "accounts/forgotten.html", context, status=status)


@sensitive_post_parameters("password", "again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, secret: str) -> HttpResponse:
    """What the link opens: a new password, typed twice. Looking at it spends nothing."""
    try:
        found = operations.find_reset(secret, datetime.now(UTC))
        if request.method == "POST":
            return _reset(request, secret)
    except AccountError as error:
        if error.code == "reset_over":
            return render(request, "accounts/reset_over.html", {"error": str(error)}, status=410)
        return render(request, "accounts/reset.html", {"owner": found.user, "error": str(error)})
    return render(request, "accounts/reset.html", {"owner": found.user})


def _reset(request: HttpRequest, secret: str) -> HttpResponse:
    if wait := limits.wait_for_address(request):
        raise AccountError("rate_limited", too_many(wait))
    password, again = (request.POST.get(name, "")[:LONGEST_PASSWORD] for name in ("password", "again"))
    if password != again:
        raise AccountError("passwords_differ", _("The two passwords differ. Type the same one twice."))
    operations.reset_password(secret=secret, password=password, at=datetime.now(UTC))
    logout(request)
    messages.success(request, _("Your password is set, and all devices are signed out. Log in with the new one."))
    return HttpResponseRedirect(reverse("portal:login"))
