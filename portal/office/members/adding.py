"""One member by a form, and changes of one; an invitation is sent at the end where an address is given."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.signin import limits
from accounts.signin.mails import link_to, send_invitation
from accounts.signin.pages import too_many
from members.operations import Applied, apply_member
from members.queries import standing_of
from portal.desk import REFUSED, Desk, Refused, office
from portal.office.members import fields
from portal.office.members.page import member_at
from portal.refusals import REFUSALS, sentences
from tariffs.models import Tariff


@office("members")
def add(desk: Desk) -> HttpResponse:
    """The form for a new member; POST writes it whole or not at all."""
    if desk.request.method != "POST":
        return _form(desk, fields.usual_values())
    try:
        _check_mail(desk)
        group = fields.group_of(desk, desk.text("code"), fields.ADD_COLUMNS)
        made = apply_member(
            market=desk.market, group=group, by=desk.user, at=desk.now, wall=datetime.now(UTC), adding=True
        )
    except REFUSALS as error:
        return _form(desk, desk.request.POST.dict(), REFUSED, refusals=sentences(error))
    return _added(desk, made)


def _check_mail(desk: Desk) -> None:
    if desk.text("email") and (wait := limits.wait_for_mail(desk.user.pk)):
        raise Refused("rate_limited", too_many(wait))


def _added(desk: Desk, made: Applied) -> HttpResponse:
    """To the member's page; where an invitation could not be sent, its link is shown this once."""
    back = desk.address("member", made.participant.code)
    if made.invitation is None:
        return desk.done(
            _("{name} is a member now.").format(name=made.participant.name), "member", made.participant.code
        )
    link = link_to(desk.request, reverse("accounts:invited", args=(made.secret,)))
    with timezone.override(desk.zone):
        sent = send_invitation(made.invitation, link, get_language() or "en")
    if sent:
        told = _("{name} is a member now. The invitation is on its way to {email}.")
        said = told.format(name=made.participant.name, email=made.invitation.email)
        return desk.done(said, "member", made.participant.code)
    context = {"link": link, "invitation": made.invitation, "back": back}
    return render(desk.request, "accounts/hand_over.html", context)


def _form(desk: Desk, values: dict[str, Any], status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "who": fields.fields_of(("code", "name", "kind"), values, required=("code", "name", "kind")),
        "terms": fields.fields_of(("tariff", "expected_month_kwh", "zone", "credit_limit_dong", "renter"), values,
                                  required=("tariff",)),
        "point": fields.fields_of((*fields.POINT, *fields.METER), values),
        "second": fields.fields_of((*fields.POINT, *fields.METER), values, end=fields.SECOND),
        "second_open": bool(values.get("point_2") or values.get("serial_2")),
        "devices": fields.fields_of(fields.DEVICES, values),
        "person": fields.fields_of(("email",), values),
        "has_tariffs": Tariff.objects.exists(),
    }  # fmt: skip
    return desk.show("office/member_add.html", status, **context, **more)


@office("members")
def edit(desk: Desk, who: str) -> HttpResponse:
    """Name, terms, tariff and devices of a member; POST changes what differs."""
    person = member_at(desk, who)
    names = (*fields.TERMS, *fields.DEVICES)
    there = standing_of(desk.market, [who]).members[who].values
    if desk.request.method != "POST":
        return _edit_form(desk, person, fields.shown(there))
    try:
        group = fields.group_of(desk, who, names)
        for name in fields.DEVICES:  # an emptied field says that the device is gone
            group.member.setdefault(name, 0)
        apply_member(market=desk.market, group=group, by=desk.user, at=desk.now, wall=datetime.now(UTC))
    except REFUSALS as error:
        return _edit_form(desk, person, desk.request.POST.dict(), REFUSED, refusals=sentences(error))
    return HttpResponseRedirect(desk.address("member", who))


def _edit_form(desk: Desk, person: Any, values: dict[str, Any], status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "person": person,
        "who": fields.fields_of(("name", "kind"), values, required=("name", "kind")),
        "terms": fields.fields_of(fields.TERMS[2:], values, required=("tariff",)),
        "devices": fields.fields_of(fields.DEVICES, values),
    }
    return desk.show("office/member_edit.html", status, **context, **more)
