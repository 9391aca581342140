"""A member's own page: everything about it, and what is done with its metering points and when it leaves."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Prefetch
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import Invitation, Participant
from members.domain import defaults
from members.domain.sheet import POINT_COLUMNS
from members.models import Claim
from members.operations import apply_member, retire_member
from meters.models import Device, Meter, MeteringPoint, Reading
from meters.operations import NewMeter, exchange_meter, install_meter, remove_meter
from portal.desk import REFUSED, Desk, Refused, office
from portal.office.members import fields
from portal.refusals import REFUSALS, sentences
from settlement.queries.money import ageing
from tariffs.models import TariffAssignment
from trading.models import Admission
from units.numbers import NumberError, kwh_to_wh

LAST_DOCUMENTS = 6


def member_at(desk: Desk, who: str) -> Participant:
    """The member of this market, also one that has left. Anybody else is not found."""
    person = Participant.objects.filter(admissions__market=desk.market, code=who).first()
    if person is None:
        raise Http404
    return person


@office("members")
def member(desk: Desk, who: str) -> HttpResponse:
    """Everything about a member."""
    return _page(desk, member_at(desk, who))


def _page(desk: Desk, person: Participant, status: int = 200, **more: Any) -> HttpResponse:
    site = desk.market.site_id
    assigned = TariffAssignment.objects.filter(site=site, participant=person).select_related("tariff")
    invitations = Invitation.objects.filter(participant=person, accepted_at=None, withdrawn_at=None)
    context: dict[str, Any] = {
        "person": person,
        "admission": Admission.objects.get(market=desk.market, participant=person),
        "elsewhere": Admission.objects.filter(participant=person).exclude(market=desk.market).select_related("market"),
        "assignments": assigned.order_by("-valid_from"),
        "points": _points(desk, person),
        "devices": Device.objects.filter(site=site, participant=person).order_by("pk"),
        "memberships": person.memberships.select_related("user").order_by("user__username"),
        "invitations": invitations.filter(expires_at__gt=datetime.now(UTC)),
        "claims": Claim.objects.filter(market=desk.market, participant=person).select_related("decided_by")[:10],
        "owed": next((row for row in ageing(desk.market.pk, desk.today) if row.participant_id == person.pk), None),
        "new_point": fields.fields_of(
            (*fields.POINT, *fields.METER), fields.usual_values() | desk.request.POST.dict(), required=("point",)
        ),
    }  # fmt: skip
    return desk.show("office/member.html", status, **context | more)


def _points(desk: Desk, person: Participant) -> list[MeteringPoint]:
    """Metering points with their meters, the hanging one first, and when the last reading was for."""
    meters = Meter.objects.prefetch_related("channels").order_by("-installed_on")
    rows = MeteringPoint.objects.filter(site=desk.market.site_id, participant=person)
    points = list(rows.prefetch_related(Prefetch("meters", meters)).order_by("code"))
    last = dict(
        Reading.objects.filter(metering_point__in=points)
        .values_list("metering_point")
        .annotate(Max("start"))
        .values_list("metering_point", "start__max")
    )
    for point in points:
        point.last_reading_at = last.get(point.pk)  # type: ignore[attr-defined]
        hanging = [meter for meter in point.meters.all() if meter.removed_on is None]
        point.meter = hanging[0] if hanging else None  # type: ignore[attr-defined]
    return points


@office("members", change=True)
def add_point_of(desk: Desk, who: str) -> HttpResponse:
    """One more metering point, with the meter that hangs there."""
    person = member_at(desk, who)
    try:
        if not desk.text("point"):
            raise Refused("no_point", _("Give the metering point a code."))
        group = fields.group_of(desk, who, POINT_COLUMNS)
        apply_member(market=desk.market, group=group, by=desk.user, at=desk.now, wall=datetime.now(UTC))
    except REFUSALS as error:
        return _page(desk, person, REFUSED, refusals=sentences(error), point_open=True)
    return desk.done(_("The metering point is there."), "member", who)


@office("members")
def meter(desk: Desk, who: str, pk: int) -> HttpResponse:
    """The meter of a point: hang one up, exchange it, or take it down for good."""
    person = member_at(desk, who)
    point = _point(desk, person, pk)
    if desk.request.method != "POST":
        return _meter_form(desk, person, point, fields.usual_values())
    try:
        _change_meter(desk, point)
    except REFUSALS as error:
        return _meter_form(desk, person, point, desk.request.POST.dict(), REFUSED, refusals=sentences(error))
    return desk.done(_("The registers and dates of the meters are kept."), "member", who)


def _point(desk: Desk, person: Participant, pk: int) -> MeteringPoint:
    rows = MeteringPoint.objects.filter(site=desk.market.site_id, participant=person, pk=pk)
    point = rows.first()
    if point is None:
        raise Http404
    return point


def _change_meter(desk: Desk, point: MeteringPoint) -> None:
    old = point.meters.filter(removed_on=None).first()
    who: dict[str, Any] = {"point": point, "by": desk.user, "at": desk.now}
    if old is None:
        install_meter(meter=new_meter_of(desk), **who)
    elif desk.text("what") == "remove":
        desk.confirmed()
        taken, given = end_of(desk, old)
        on = desk.on("removed_on")
        remove_meter(removed_on=on, end_import_wh=taken, end_export_wh=given, **who)
    else:
        taken, given = end_of(desk, old)
        exchange_meter(end_import_wh=taken, end_export_wh=given, meter=new_meter_of(desk), **who)


def end_of(desk: Desk, old: Meter, name: str = "end") -> tuple[int, int]:
    """What the meter shows at last, import and export, Wh as displayed × multiplier."""
    return (
        _kwh(desk, f"{name}_import_kwh") * old.multiplier,
        _kwh(desk, f"{name}_export_kwh") * old.multiplier,
    )


def _kwh(desk: Desk, name: str) -> int:
    text = desk.text(name)
    try:
        return kwh_to_wh(text, fields.style_of(text))
    except NumberError as error:
        raise Refused("not_a_number", _("Write what the register shows in kWh, like 1204.5.")) from error


def new_meter_of(desk: Desk) -> NewMeter:
    """The meter that the form describes."""
    if not desk.text("serial"):
        raise Refused("no_serial", _("Give the meter's serial number too."))
    multiplier = desk.number("multiplier") if desk.text("multiplier") else defaults.MULTIPLIER
    digits = desk.number("digits") if desk.text("digits") else defaults.DIGITS
    return NewMeter(
        serial=desk.text("serial"),
        installed_on=desk.on("installed_on") if desk.text("installed_on") else desk.today,
        multiplier=multiplier,
        register_digits=digits,
        start_import_wh=(_kwh(desk, "start_import_kwh") if desk.text("start_import_kwh") else 0) * multiplier,
        start_export_wh=(_kwh(desk, "start_export_kwh") if desk.text("start_export_kwh") else 0) * multiplier,
    )


def _meter_form(
    desk: Desk, person: Participant, point: MeteringPoint, values: dict[str, Any], status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "person": person,
        "point": point,
        "old": point.meters.filter(removed_on=None).first(),
        "new_fields": fields.fields_of(fields.METER, values, required=("serial",)),
    }
    return desk.show("office/meter.html", status, **context, **more)


@office("members")
def retire(desk: Desk, who: str) -> HttpResponse:
    """A member leaves: its meters are taken down, its orders taken back."""
    person = member_at(desk, who)
    hanging = Meter.objects.filter(
        metering_point__site=desk.market.site_id, metering_point__participant=person, removed_on=None
    ).select_related("metering_point")
    if desk.request.method != "POST":
        return desk.show("office/member_retire.html", person=person, meters=hanging)
    try:
        desk.confirmed()
        shown = {old.metering_point_id: end_of(desk, old, f"end_{old.pk}") for old in hanging}
        retire_member(market=desk.market, participant=person, shown_wh=shown, by=desk.user, at=desk.now)
    except REFUSALS as error:
        return desk.show("office/member_retire.html", REFUSED, person=person, meters=hanging, refusals=sentences(error))
    return desk.done(_("{name} has left this market.").format(name=person.name), "member", who)
