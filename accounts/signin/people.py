"""Members and invitations: who acts for a participant, who is invited, and what the invited do with the link."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Invitation, Membership, Participant, User
from accounts.operations import AccountError
from accounts.operations import invitations as operations
from accounts.operations.users import check_email
from accounts.policies import is_administrator, may_audit, may_look_after_members
from accounts.queries import seats
from accounts.signin import factors, limits, mails, sessions
from accounts.signin.account import own
from accounts.signin.pages import LONGEST_PASSWORD, json_of, problem, too_many

INVITED_NUMBER = "invited_number"
MOST_LISTED = 50


@require_safe
@own(fresh=False)
def members(request: HttpRequest, user: User) -> HttpResponse:
    """The participants whose members one may look after; for administrators also the house itself."""
    wanted = request.GET.get("q", "").replace("\0", "").strip()
    if may_audit(user):
        rows = Participant.objects.filter(name__icontains=wanted) | Participant.objects.filter(code__icontains=wanted)
    else:
        owned = [seat.participant_id for seat in seats(user) if seat.role == Membership.Role.OWNER]
        rows = Participant.objects.filter(pk__in=owned)
    if not may_look_after_members(user):
        raise PermissionDenied
    context = {
        "zone": mails.offset_name(datetime.now(UTC)),
        "tz": timezone.get_current_timezone(),
        "powers": powers(("administrator", "auditor")),
        "participants": rows[:MOST_LISTED],
        "q": wanted,
        "sees_house": may_audit(user),
        "may_invite": is_administrator(user),
        "staff": User.objects.filter(is_active=True).exclude(is_staff=False, is_auditor=False).order_by("username"),
        "invitations": _waiting(None),
        "roles": [choice for choice in Invitation.Role.choices if choice[0] in ("administrator", "auditor")],
    }
    return render(request, "accounts/members.html", context)


@require_safe
@own(fresh=False)
def members_of(request: HttpRequest, user: User, code: str) -> HttpResponse:
    """Who acts for the participant, and who is invited to."""
    participant = get_object_or_404(Participant, code=code)
    may_invite = _may_invite(user, participant)
    if not may_invite and not may_audit(user):
        raise PermissionDenied
    context = {
        "zone": mails.offset_name(datetime.now(UTC)),
        "tz": timezone.get_current_timezone(),
        "powers": powers(Membership.Role.values),
        "participant": participant,
        "members": participant.memberships.select_related("user").order_by("user__username"),
        "invitations": _waiting(participant),
        "roles": Membership.Role.choices,
        "may_invite": may_invite,
    }
    return render(request, "accounts/members_of.html", context)


def powers(roles: Iterable[str]) -> list[tuple[str, str]]:
    """Each role and what it may do."""
    told = {
        "owner": _("Does all that a trader does, sets the billing details, invites and removes members."),
        "trader": _(
            "Sees everything of the participant; places and takes back orders, sets limits, disputes intervals."
        ),
        "viewer": _("Sees orders, energy, bills and money, and changes nothing. Right for accounting."),
        "administrator": _("Runs the house: members, meters, months, rules. Sees everybody's; trades for nobody."),
        "auditor": _("Sees everything of everybody, and changes nothing."),
    }
    return [(str(Invitation.Role(role).label), told[role]) for role in roles]


def _may_invite(user: User, participant: Participant | None) -> bool:
    try:
        operations.check_may_invite(user, participant)
    except AccountError:
        return False
    return True


def _waiting(participant: Participant | None) -> list[Invitation]:
    rows = Invitation.objects.filter(participant=participant, accepted_at=None, withdrawn_at=None)
    return list(rows.filter(expires_at__gt=datetime.now(UTC)))


def _page_of(participant: Participant | None) -> str:
    return reverse("accounts:members_of", args=(participant.code,)) if participant else reverse("accounts:members")


def _changing(user: User, code: str | None) -> Participant | None:
    """The participant whose members are to change. Raises PermissionDenied where the user may not."""
    participant = get_object_or_404(Participant, code=code) if code else None
    if not _may_invite(user, participant):
        raise PermissionDenied
    return participant


@require_POST
@own(fresh=False)
def invite(request: HttpRequest, user: User, code: str | None = None) -> HttpResponse:
    """Send an invitation; where the mail does not go out, the page shows the link this once."""
    participant = _changing(user, code)
    try:
        invitation, secret = _invite(request, user, participant)
    except AccountError as error:
        messages.error(request, str(error), extra_tags=error.code)
        return HttpResponseRedirect(_page_of(participant))
    link = mails.link_to(request, reverse("accounts:invited", args=(secret,)))
    if mails.send_invitation(invitation, link, get_language() or "en"):
        messages.success(request, _("The invitation is on its way to {email}.").format(email=invitation.email))
        return HttpResponseRedirect(_page_of(participant))
    context = {"link": link, "invitation": invitation, "back": _page_of(participant)}
    return render(request, "accounts/hand_over.html", context)


def _invite(request: HttpRequest, user: User, participant: Participant | None) -> tuple[Invitation, str]:
    email, role = request.POST.get("email", "").strip(), request.POST.get("role", "")
    check_email(email)
    if wait := limits.wait_for_mail(user.pk):
        raise AccountError("rate_limited", too_many(wait))
    days, at = settings.INVITATION_DAYS, datetime.now(UTC)
    return operations.invite(by=user, email=email, role=role, participant=participant, days=days, at=at)


@require_POST
@own(fresh=False)
def withdraw(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    """Take an invitation back."""
    invitation = get_object_or_404(Invitation.objects.select_related("participant"), pk=pk)
    return _change(
        request, user, invitation.participant, _("The invitation is withdrawn."),
        lambda at: operations.withdraw_invitation(by=user, invitation=invitation, at=at),
    )  # fmt: skip


@require_POST
@own(fresh=False)
def role(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    """Give a member another role."""
    seat = get_object_or_404(Membership.objects.select_related("participant"), pk=pk)
    wanted = request.POST.get("role", "")
    return _change(
        request, user, seat.participant, _("The role is changed."),
        lambda at: operations.change_role(by=user, membership=seat, role=wanted, at=at),
    )  # fmt: skip


@require_POST
@own(fresh=False)
def remove(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    """End a member's seat."""
    seat = get_object_or_404(Membership.objects.select_related("participant"), pk=pk)
    return _change(
        request, user, seat.participant, _("The member is removed."),
        lambda at: operations.remove_membership(by=user, membership=seat, at=at),
    )  # fmt: skip


def _change(
    request: HttpRequest, user: User, participant: Participant | None, told: str, change: Callable[[datetime], None]
) -> HttpResponse:
    if not _may_invite(user, participant):
        raise PermissionDenied
    try:
        change(datetime.now(UTC))
        messages.success(request, told)
    except AccountError as error:
        messages.error(request, str(error), extra_tags=error.code)
    return HttpResponseRedirect(
        _page_of(participant) if _may_invite(user, participant) else reverse("accounts:members")
    )


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest, secret: str) -> HttpResponse:
    """What the link opens: choose a name and a password (or a passkey), or join with the login one has."""
    try:
        invitation = operations.open_invitation(secret, datetime.now(UTC))
        if request.method == "POST":
            return _accept(request, secret)
    except AccountError as error:
        if error.code == "invitation_over":
            return render(request, "accounts/invitation_over.html", {"error": str(error)}, status=410)
        return _invited_page(request, invitation, secret, str(error))
    return _invited_page(request, invitation, secret)


def _invited_page(request: HttpRequest, invitation: Invitation, secret: str, error: str = "") -> HttpResponse:
    role = Invitation.Role(invitation.role).label
    ((_word, power),) = powers([invitation.role])
    context = {"invitation": invitation, "role": role, "power": power, "secret": secret, "error": error}
    return render(request, "accounts/invited.html", context | {"username": request.POST.get("username", "")})


def _accept(request: HttpRequest, secret: str) -> HttpResponse:
    now = datetime.now(UTC)
    if wait := limits.wait_for_address(request):
        raise AccountError("rate_limited", too_many(wait))
    if isinstance(request.user, User):
        operations.accept_as(secret=secret, user=request.user, at=now)
        messages.success(request, _("You are a member now."))
        return HttpResponseRedirect(reverse("portal:welcome"))
    password, again = (request.POST.get(name, "")[:LONGEST_PASSWORD] for name in ("password", "again"))
    if password != again:
        raise AccountError("passwords_differ", _("The two passwords differ. Type the same one twice."))
    name, language = request.POST.get("username", ""), get_language() or "en"
    user = operations.accept_as_new(secret=secret, username=name, password=password, language=language, at=now)
    sessions.admit(request, user, "invitation")
    return HttpResponseRedirect(reverse("portal:welcome"))


@require_POST
def invited_begin(request: HttpRequest, secret: str) -> HttpResponse:
    """What the browser needs to make a passkey for a user to be."""
    try:
        operations.open_invitation(secret, datetime.now(UTC))
        if wait := limits.wait_for_address(request):
            raise AccountError("rate_limited", too_many(wait))
    except AccountError as error:
        return problem(error.code, str(error), 400)
    number = operations.next_user_number()
    request.session[INVITED_NUMBER] = number
    return JsonResponse(
        factors.begin_passkey(User(pk=number, username=str(json_of(request).get("username") or "")[:150]))
    )


@require_POST
def invited_finish(request: HttpRequest, secret: str) -> HttpResponse:
    """The passkey is made: now there is the user, its seat and its passkey, or none of them."""
    body, now = json_of(request), datetime.now(UTC)
    number = request.session.pop(INVITED_NUMBER, None)
    try:
        if number is None:
            raise AccountError("passkey_failed", _("The passkey could not be made. Please try again."))
        with transaction.atomic():
            user = operations.accept_as_new(
                secret=secret, username=str(body.get("username") or ""), password=None, at=now, pk=number,
                language=get_language() or "en",
            )  # fmt: skip
            factors.add_passkey(user=user, name=_("Passkey"), credential=body.get("credential"), at=now)
    except AccountError as error:
        return problem(error.code, str(error), 400)
    sessions.admit(request, user, "invitation")
    return JsonResponse({"next": reverse("portal:welcome")})
