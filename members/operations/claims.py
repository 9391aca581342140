"""What a member says about its equipment, and the administrator's yes or no.

A meter decides who pays what and panels decide what may be offered, so what a member says counts only once an
administrator has confirmed it. Said again before that, it replaces what was said.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Participant, User
from accounts.operations import audit
from members.models import Claim
from members.operations.adding import set_equipment
from members.operations.news import tell_claimed, tell_decided
from members.queries.standing import DEVICE_COLUMNS
from members.queries.steps import meter_of
from meters.models import MeteringPoint
from meters.operations import NewMeter, add_point, exchange_meter, install_meter, plain_serial
from trading.models import Market

MOST_W = 10**9
DEVICE_FIELDS = ("pv_kwp", "battery_kwh", "battery_kw", "ev_kwh", "ev_kw")


class ClaimRefused(ValueError):
    """A report that makes no sense, or a decision that cannot be; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@transaction.atomic
def claim_meter(*, market: Market, participant: Participant, serial: str, by: User, at: datetime) -> Claim:
    """The member says which number stands on its meter. Raises ClaimRefused `invalid_serial`, `registered`."""
    number = plain_serial(serial)
    if not 3 <= len(number) <= 40 or not number.isprintable():
        raise ClaimRefused("invalid_serial", _("Type the serial number on the meter's plate, at least three letters."))
    meter = meter_of(market, participant.pk)
    if meter is not None and not meter.claimed and meter.serial == number:
        raise ClaimRefused("registered", _("This is the meter that is registered for you already."))
    return _claim(market, participant, Claim.Kind.METER, {"serial": number}, by, at)


@transaction.atomic
def claim_devices(
    *, market: Market, participant: Participant, figures: Mapping[str, int], by: User, at: datetime
) -> Claim:
    """The member says what it has: `DEVICE_FIELDS` in W and Wh, 0 for none. Raises ClaimRefused `invalid_figure`."""
    values = {name: int(figures.get(name, 0)) for name in DEVICE_FIELDS}
    if not all(0 <= value <= MOST_W for value in values.values()):
        raise ClaimRefused("invalid_figure", _("Power in kW and energy in kWh are 0 or more."))
    for energy, power in (("battery_kwh", "battery_kw"), ("ev_kwh", "ev_kw")):
        if values[power] and not values[energy]:
            raise ClaimRefused("invalid_figure", _("Say how much the battery stores in kWh too."))
    return _claim(market, participant, Claim.Kind.DEVICES, values, by, at)


def _claim(
    market: Market, participant: Participant, kind: str, values: Mapping[str, str | int], by: User, at: datetime
) -> Claim:
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    key = {"market": market, "participant": participant, "kind": kind, "state": Claim.State.WAITING}
    claim = Claim.objects.filter(**key).first() or Claim(**key)
    if claim.pk and claim.values == values:
        return claim
    claim.values, claim.made_by, claim.made_at = dict(values), by, at
    claim.save()
    detail = {"participant": participant.pk, "market": market.code, "claim": kind, **values}
    audit(by=by, action="claim.made", target=f"claim {claim.pk}", detail=detail, at=at)
    tell_claimed(claim, at)
    return claim


@transaction.atomic
def accept_meter(
    *,
    claim: Claim,
    point_code: str,
    meter: NewMeter,
    end_wh: tuple[int, int] | None,
    by: User,
    at: datetime,
) -> None:
    """Confirm the meter at this point of the member, which is made where there is none. Where another meter hangs
    there, `end_wh` says what that one shows at last (import, export).

    Raises ClaimRefused `decided`, `no_registers`, `point_of_other`, and EquipmentRefused.
    """
    held, site = _held(claim), claim.market.site
    point = MeteringPoint.objects.filter(site=site, code__iexact=point_code).first()
    if point is None:
        point = add_point(
            site=site, participant=held.participant, code=point_code, role=MeteringPoint.Role.BOUNDARY, by=by, at=at
        )
    elif point.participant_id != held.participant_id:
        told = _("The metering point {text} belongs to another member.").format(text=point_code)
        raise ClaimRefused("point_of_other", told)
    if not point.meters.filter(removed_on=None).exists():
        install_meter(point=point, meter=meter, by=by, at=at)
    elif end_wh is None:
        raise ClaimRefused("no_registers", _("Say what the registers of the meter that is taken down show."))
    else:
        exchange_meter(point=point, end_import_wh=end_wh[0], end_export_wh=end_wh[1], meter=meter, by=by, at=at)
    _decide(held, Claim.State.ACCEPTED, "", by, at)


@transaction.atomic
def accept_devices(*, claim: Claim, by: User, at: datetime) -> None:
    """Confirm what the member has. Raises ClaimRefused `decided`, and EquipmentRefused."""
    held = _held(claim)
    for kind, columns in DEVICE_COLUMNS.items():
        figures = {column: int(held.values.get(column, 0)) for column in columns}
        set_equipment(held.market, held.participant, kind, figures, by, at)
    _decide(held, Claim.State.ACCEPTED, "", by, at)


@transaction.atomic
def refuse_claim(*, claim: Claim, note: str, by: User, at: datetime) -> None:
    """Say no, and why. Raises ClaimRefused `decided`, `no_reason`."""
    held = _held(claim)
    if not note.strip():
        raise ClaimRefused("no_reason", _("Give the reason; the member reads it."))
    _decide(held, Claim.State.REFUSED, note.strip()[:300], by, at)


def _held(claim: Claim) -> Claim:
    rows = Claim.objects.select_for_update(of=("self",)).select_related("market__site", "participant")
    held = rows.get(pk=claim.pk)
    if held.state != Claim.State.WAITING:
        raise ClaimRefused("decided", _("Somebody has decided on this already; reload."))
    return held


def _decide(held: Claim, state: Claim.State, note: str, by: User, at: datetime) -> None:
    held.state, held.note, held.decided_by, held.decided_at = state, note, by, at
    held.save(update_fields=["state", "note", "decided_by", "decided_at"])
    detail = {"participant": held.participant_id, "market": held.market.code, "note": note}
    if state == Claim.State.ACCEPTED:
        audit(by=by, action="claim.accepted", target=f"claim {held.pk}", detail=detail, at=at)
    else:
        audit(by=by, action="claim.refused", target=f"claim {held.pk}", detail=detail, at=at)
    tell_decided(held, at)
