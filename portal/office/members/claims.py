"""What a member reports about its equipment: an administrator confirms or refuses it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from members.models import Claim
from members.operations import accept_devices, accept_meter, refuse_claim
from meters.models import Device, Meter, MeteringPoint
from portal.desk import REFUSED, Desk, office
from portal.office.members import fields
from portal.office.members.page import end_of, new_meter_of
from portal.refusals import REFUSALS, sentences


@office("members")
def claim(desk: Desk, pk: int) -> HttpResponse:
    """One report beside what is registered; POST decides."""
    held = _claim(desk, pk)
    if desk.request.method != "POST":
        return _page(desk, held, fields.usual_values() | {"serial": held.values.get("serial", "")})
    try:
        if desk.text("decision") == "refuse":
            refuse_claim(claim=held, note=desk.text("note"), by=desk.user, at=desk.now)
            said = _("Refused. The member reads the reason on the first-steps page.")
        else:
            _accept(desk, held)
            said = _("Confirmed. It counts from now on.")
    except REFUSALS as error:
        return _page(desk, held, desk.request.POST.dict(), REFUSED, refusals=sentences(error))
    return desk.done(said, "members")


def _claim(desk: Desk, pk: int) -> Claim:
    rows = Claim.objects.filter(market=desk.market, pk=pk).select_related("participant", "market__site", "made_by")
    found = rows.first()
    if found is None:
        raise Http404
    return found


def _accept(desk: Desk, held: Claim) -> None:
    if held.kind == Claim.Kind.DEVICES:
        accept_devices(claim=held, by=desk.user, at=desk.now)
        return
    code = desk.text("point")
    old = _hanging(desk, held, code)
    end_wh = end_of(desk, old) if old is not None else None
    accept_meter(claim=held, point_code=code, meter=new_meter_of(desk), end_wh=end_wh, by=desk.user, at=desk.now)


def _hanging(desk: Desk, held: Claim, code: str) -> Meter | None:
    rows = Meter.objects.filter(
        metering_point__site=desk.market.site_id, metering_point__participant=held.participant, removed_on=None
    )
    return rows.filter(metering_point__code__iexact=code).first() if code else None


def _page(desk: Desk, held: Claim, values: dict[str, Any], status: int = 200, **more: Any) -> HttpResponse:
    points = MeteringPoint.objects.filter(
        site=desk.market.site_id, participant=held.participant, role=MeteringPoint.Role.BOUNDARY
    ).order_by("code")
    code = values.get("point") or (points[0].code if points else held.participant.code.upper())
    context = {
        "claim": held,
        "points": points,
        "old": _hanging(desk, held, code),
        "point_field": fields.fields_of(("point",), {**values, "point": code}, required=("point",)),
        "new_fields": fields.fields_of(fields.METER, values, required=("serial",)),
        "claimed": [(label.label, label.value) for label in _figures(held)],
        "devices": Device.objects.filter(site=desk.market.site_id, participant=held.participant).order_by("pk"),
    }
    return desk.show("office/claim.html", status, **context, **more)


def _figures(held: Claim) -> list[fields.Field]:
    if held.kind != Claim.Kind.DEVICES:
        return []
    return fields.fields_of(fields.DEVICES, fields.shown(held.values))
