"""The page of one's own login, and every change that can be made there.

What would let a thief of a session stay (password, second steps, address, export, erasure) asks first that the person
proves again who it is, unless that was within fifteen minutes.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

import segno
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import EmailChange, Login, User
from accounts.operations import AccountError, audit
from accounts.operations import logins as operations
from accounts.operations.erasure import erase_user
from accounts.queries import seats
from accounts.signin import factors, holdings, limits, mails, sessions
from accounts.signin.mails import offset_name
from accounts.signin.pages import LONGEST_PASSWORD, ask_again, json_of, problem, too_many

Page = Callable[..., HttpResponse]


def own(*, fresh: bool) -> Callable[[Page], Page]:
    """A page for the user who is signed in: `page(request, user, …)`; with `fresh`, who lately proved it.

    What an operation refuses becomes a notice on the account page.
    """

    def decorate(page: Page) -> Page:
        @wraps(page)
        @never_cache
        @login_required
        def wrapped(request: HttpRequest, **path: object) -> HttpResponse:
            assert isinstance(request.user, User)
            if fresh and not sessions.is_fresh(request):
                then = request.path if request.method in ("GET", "HEAD") else reverse("accounts:account")
                return ask_again(request, then)
            try:
                with timezone.override(holdings.zone_of(request.user)):
                    return page(request, request.user, **path)
            except AccountError as error:
                messages.error(request, str(error), extra_tags=error.code)
                return to_account()

        return wrapped

    return decorate


def to_account() -> HttpResponse:
    """Back to the account page."""
    return HttpResponseRedirect(reverse("accounts:account"))


def _now() -> datetime:
    return datetime.now(UTC)


@require_safe
@own(fresh=False)
def account(request: HttpRequest, user: User) -> HttpResponse:
    """All there is to one's login."""
    change = EmailChange.objects.filter(user=user, expires_at__gt=_now()).first()
    context = {
        "seats": seats(user),
        "passkeys": factors.passkeys(user),
        "has_totp": factors.has_totp(user),
        "codes_left": factors.codes_left(user),
        "has_password": user.has_usable_password(),
        "must_add": sessions.must_add_second_step(user),
        "logins": _this_first(living_logins(user), request.session.session_key),
        "zone": offset_name(_now()),
        "tz": timezone.get_current_timezone(),
        "this_key": request.session.session_key,
        "change": change,
    }
    return render(request, "accounts/account.html", context)


def _this_first(logins: list[Login], key: str | None) -> list[Login]:
    return sorted(logins, key=lambda login: login.session_key != key)


def living_logins(user: User) -> list[Login]:
    """The browsers that are signed in, the last used first."""
    living = Session.objects.filter(expire_date__gt=_now()).values("session_key")
    return list(Login.objects.filter(user=user, session_key__in=living))


@sensitive_post_parameters()
@require_POST
@own(fresh=True)
def password(request: HttpRequest, user: User) -> HttpResponse:
    """Set or change the password; all other browsers are signed out."""
    first, again = (request.POST.get(name, "")[:LONGEST_PASSWORD] for name in ("password", "again"))
    if first != again:
        raise AccountError("passwords_differ", _("The two passwords differ. Type the same one twice."))
    operations.change_password(user=user, password=first, at=_now())
    sessions.keep_session(request, user)
    _end_others(request, user)
    messages.success(request, _("Your password is changed, and all other devices are signed out."))
    return to_account()


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@own(fresh=True)
def totp(request: HttpRequest, user: User) -> HttpResponse:
    """Set an authenticator app up: scan, then type what it shows."""
    secret, error = get_totp_secret(), ""
    if request.method == "POST":
        if wait := limits.wait_for_code(user.pk):
            error = too_many(wait)
        else:
            try:
                factors.add_totp(user=user, secret=secret, code=request.POST.get("code", "")[:40], at=_now())
                clear_totp_secret(request)
                return _after_adding(request, user, _("Your authenticator app is set up."))
            except AccountError as refused:
                error = str(refused)
    qr = segno.make(factors.totp_address(user, secret)).svg_data_uri(scale=5, light="white", border=3)
    return render(request, "accounts/totp.html", {"secret": secret, "qr": qr, "error": error})


@require_POST
@own(fresh=True)
def totp_remove(request: HttpRequest, user: User) -> HttpResponse:
    """No authenticator app any more."""
    factors.remove_totp(user=user, at=_now())
    sessions.recheck(request, user)
    messages.success(request, _("Your authenticator app is removed."))
    return to_account()


@require_POST
@own(fresh=True)
def codes(request: HttpRequest, user: User) -> HttpResponse:
    """Ten new recovery codes, shown this once."""
    return _show_codes(request, factors.make_codes(user=user, at=_now()))


def _show_codes(request: HttpRequest, made: list[str]) -> HttpResponse:
    return render(request, "accounts/codes.html", {"codes": made})


def _after_adding(request: HttpRequest, user: User, told: str) -> HttpResponse:
    """With the first second step come recovery codes."""
    sessions.recheck(request, user)
    messages.success(request, told)
    if factors.codes_left(user):
        return to_account()
    return _show_codes(request, factors.make_codes(user=user, at=_now()))


@require_POST
@login_required
def passkey_add_begin(request: HttpRequest) -> HttpResponse:
    """What the browser needs to make a passkey."""
    assert isinstance(request.user, User)
    if not sessions.is_fresh(request):
        return _stale()
    return JsonResponse(factors.begin_passkey(request.user))


@require_POST
@login_required
def passkey_add_finish(request: HttpRequest) -> HttpResponse:
    """The passkey that the browser made."""
    assert isinstance(request.user, User)
    if not sessions.is_fresh(request):
        return _stale()
    body = json_of(request)
    try:
        name = str(body.get("name") or "").strip()
        factors.add_passkey(user=request.user, name=name, credential=body.get("credential"), at=_now())
    except AccountError as error:
        return problem(error.code, str(error), 400)
    sessions.recheck(request, request.user)
    messages.success(request, _("Your passkey is ready. Next time, log in with it."))
    return JsonResponse({"next": reverse("accounts:account")})


def _stale() -> HttpResponse:
    return problem("confirm_first", _("Show that it is you, then do it again: nothing has been changed yet."), 403)


@require_POST
@own(fresh=True)
def passkey_remove(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    """One passkey less."""
    factors.remove_passkey(user=user, pk=pk, at=_now())
    sessions.recheck(request, user)
    messages.success(request, _("The passkey is removed."))
    return to_account()


@require_POST
@own(fresh=False)
def sign_out_one(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    """Sign one browser out."""
    operations.end_logins(by=user, logins=[one for one in living_logins(user) if one.pk == pk], at=_now())
    messages.success(request, _("The device is signed out."))
    return to_account()


@require_POST
@own(fresh=False)
def sign_out_others(request: HttpRequest, user: User) -> HttpResponse:
    """Sign all browsers out but this one."""
    _end_others(request, user)
    messages.success(request, _("All other devices are signed out."))
    return to_account()


def _end_others(request: HttpRequest, user: User) -> None:
    others = Login.objects.filter(user=user).exclude(session_key=request.session.session_key)
    operations.end_logins(by=user, logins=list(others), at=_now())


@require_POST
@own(fresh=True)
def email(request: HttpRequest, user: User) -> HttpResponse:
    """Ask for another e-mail address: both addresses get a letter."""
    if wait := limits.wait_for_mail(user.pk):
        raise AccountError("rate_limited", too_many(wait))
    wanted = request.POST.get("email", "").strip()
    with transaction.atomic():
        change, old, new = operations.ask_email_change(user=user, email=wanted, at=_now())
        sent = [
            mails.send_email_change(to=to, email=change.email, link=_link(request, secret), old=is_old)
            for to, secret, is_old in ((user.email, old, True), (change.email, new, False))
            if secret
        ]
        if not all(sent):
            raise AccountError(
                "mail_failed", _("The letter could not be sent. Try again later, or tell the administrator.")
            )
    messages.success(request, _("Now open the links in the letters we sent; until then the old address stays."))
    return to_account()


def _link(request: HttpRequest, secret: str) -> str:
    return mails.link_to(request, reverse("accounts:email_confirm", args=(secret,)))


@require_http_methods(["GET", "HEAD", "POST"])
@own(fresh=False)
def email_confirm(request: HttpRequest, user: User, secret: str) -> HttpResponse:
    """A link out of one of the two letters; a button, so that no mail scanner confirms by looking."""
    if request.method != "POST":
        return render(request, "accounts/email_confirm.html")
    if operations.confirm_email(user=user, secret=secret, at=_now()):
        messages.success(request, _("Your e-mail address is changed."))
    else:
        messages.success(request, _("Thank you. Now open the link in the letter to the other address."))
    return to_account()


@require_POST
@own(fresh=True)
def export(request: HttpRequest, user: User) -> HttpResponse:
    """All that is held, as a zip."""
    packed = holdings.export(user)
    audit(by=user, action="user.exported", target=user.username, at=_now())
    answer = HttpResponse(packed, content_type="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="wattbourse-my-data.zip"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@own(fresh=True)
def erase(request: HttpRequest, user: User) -> HttpResponse:
    """Leave for good; the user's own name has to be typed."""
    held_up = holdings.open_money(user)
    if request.method != "POST":
        return render(request, "accounts/erase.html", {"held_up": held_up.values(), "demo": settings.DEMO})
    if request.POST.get("username", "") != user.username:
        raise AccountError("name_differs", _("Type your user name exactly to delete your login. Nothing was deleted."))
    erase_user(user=user, open_money=held_up, at=_now())
    logout(request)
    return render(request, "accounts/erased.html")
