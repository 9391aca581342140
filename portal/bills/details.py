"""How a member stands on its documents, kept by its owners. Who is registered for value-added tax, the office says."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.operations.billing import set_billing
from portal.desk import REFUSED, Desk, seat
from portal.office.details import form_context, given
from portal.refusals import REFUSALS, sentences


@seat("details")
def details(desk: Desk) -> HttpResponse:
    """Its name, address, bank account and wishes; an owner changes them by POST."""
    assert desk.participant is not None
    if desk.request.method != "POST":
        return _page(desk)
    if not _owns(desk):
        raise PermissionDenied
    try:
        set_billing(participant=desk.participant, by=desk.user, at=desk.now, **given(desk))
    except REFUSALS as error:
        return _page(desk, REFUSED, refusals=sentences(error), values=desk.request.POST)
    return desk.done(_("Saved. Documents that are issued from now on show these details."), "details")


def _owns(desk: Desk) -> bool:
    assert desk.participant is not None
    return desk.participant.memberships.filter(user=desk.user, role=Membership.Role.OWNER).exists()


def _page(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    context = form_context(desk.participant) | {"may_edit": _owns(desk)}
    return desk.show("bills/details.html", status, **context | more)
