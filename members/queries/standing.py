"""What there is already of the members that a sheet names, read for all of them at once, in the sheet's own words."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Invitation, Membership, Participant
from meters.models import Device, Meter, MeteringPoint
from tariffs.models import Tariff, TariffAssignment
from trading.models import Admission, Market

MILLIDONG = 1_000
# Column of the sheet, kind of device, field of the device. The first column of a kind makes the device.
DEVICE_COLUMNS: dict[Device.Kind, dict[str, tuple[str, ...]]] = {
    Device.Kind.PV: {"pv_kwp": ("peak_w",)},
    Device.Kind.BATTERY: {"battery_kwh": ("capacity_wh",), "battery_kw": ("charge_w", "discharge_w")},
    Device.Kind.EV: {"ev_kwh": ("capacity_wh",), "ev_kw": ("charge_w",)},
}


@dataclass(frozen=True, slots=True)
class StandingPoint:
    """A metering point with the meter that hangs there, in the sheet's columns."""

    participant_id: int
    values: dict[str, Any]


@dataclass(slots=True)
class StandingMember:
    """A participant, whether it is in this market now, and what holds of it, in the sheet's columns."""

    participant: Participant
    admitted: bool = False
    active: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Standing:
    """Everything a sheet is compared with. Points by their codes in lower case, serials to the code of their point (at
    any site), tariffs by code."""

    members: dict[str, StandingMember]
    points: dict[str, StandingPoint]
    serials: dict[str, str]
    tariffs: set[str]


def standing_of(
    market: Market, codes: Collection[str], points: Collection[str] = (), serials: Collection[str] = ()
) -> Standing:
    """What is there of these members, metering points of the site, and serial numbers."""
    people = {row.pk: StandingMember(row) for row in Participant.objects.filter(code__in=codes)}
    _fill_admissions(market, people)
    _fill_tariffs(market, people)
    _fill_devices(market, people)
    _fill_emails(people)
    return Standing(
        {member.participant.code: member for member in people.values()},
        _points(market, list(points), list(people)),
        _serials(serials),
        set(Tariff.objects.values_list("code", flat=True)),
    )


def _fill_admissions(market: Market, people: dict[int, StandingMember]) -> None:
    for member in people.values():
        member.values |= {"code": member.participant.code, "name": member.participant.name}
        member.values["kind"] = member.participant.kind
    for row in Admission.objects.filter(market=market, participant__in=people):
        member = people[row.participant_id]
        member.admitted, member.active = True, row.active
        member.values |= {
            "zone": row.zone, "renter": row.renter, "credit_limit_dong": row.credit_limit_millidong // MILLIDONG
        }  # fmt: skip


def _fill_tariffs(market: Market, people: dict[int, StandingMember]) -> None:
    rows = TariffAssignment.objects.filter(site=market.site_id, participant__in=people).order_by("valid_from")
    for participant, code, month in rows.values_list("participant_id", "tariff__code", "expected_month_wh"):
        people[participant].values |= {"tariff": code, "expected_month_kwh": month}


def _fill_devices(market: Market, people: dict[int, StandingMember]) -> None:
    for device in Device.objects.filter(site=market.site_id, participant__in=people).order_by("-pk"):
        for column, fields in DEVICE_COLUMNS.get(Device.Kind(device.kind), {}).items():
            people[device.participant_id].values[column] = getattr(device, fields[0])


def _fill_emails(people: dict[int, StandingMember]) -> None:
    seats = Membership.objects.filter(participant__in=people, user__is_active=True)
    for participant, email in seats.values_list("participant_id", "user__email"):
        people[participant].emails.add(email.lower())
    waiting = Invitation.objects.filter(participant__in=people, accepted_at=None, withdrawn_at=None)
    for participant, email in waiting.values_list("participant_id", "email"):
        assert participant is not None
        people[participant].emails.add(email.lower())
    for member in people.values():
        member.emails.discard("")
        member.values["email"] = min(member.emails, default="")


def _points(market: Market, codes: list[str], people: list[int]) -> dict[str, StandingPoint]:
    rows = MeteringPoint.objects.filter(site=market.site_id)
    rows = rows.filter(code__in=codes) | rows.filter(participant__in=people)
    hanging = {
        meter.metering_point_id: meter
        for meter in Meter.objects.filter(metering_point__in=rows.values("pk"), removed_on=None)
    }
    return {
        row.code.casefold(): StandingPoint(row.participant_id, point_values(row, hanging.get(row.pk))) for row in rows
    }


def point_values(point: MeteringPoint, meter: Meter | None) -> dict[str, Any]:
    """A point and the meter that hangs there, in the sheet's columns."""
    values: dict[str, Any] = {
        "point": point.code, "role": point.role, "max_import_kw": point.max_import_w,
        "max_export_kw": point.max_export_w,
    }  # fmt: skip
    if meter is not None:
        values |= {
            "serial": meter.serial, "multiplier": meter.multiplier, "digits": meter.register_digits,
            "start_import_kwh": meter.start_import_wh // meter.multiplier,
            "start_export_kwh": meter.start_export_wh // meter.multiplier,
            "installed_on": meter.installed_on.isoformat(),
        }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


def _serials(serials: Collection[str]) -> dict[str, str]:
    rows = Meter.objects.filter(serial__in=serials)
    return dict(rows.values_list("serial", "metering_point__code"))


def sheet_rows(market: Market) -> Iterator[dict[str, Any]]:
    """All members that are in the market, as rows of the sheet that changes nothing when it is loaded again."""
    seats = Admission.objects.filter(market=market, active=True)
    codes = list(seats.order_by("participant__code").values_list("participant__code", flat=True))
    standing = standing_of(market, codes)
    points: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for point in standing.points.values():
        points[point.participant_id].append(point.values)
    for code in codes:
        member = standing.members[code]
        yield from _rows_of(member, sorted(points[member.participant.pk], key=lambda point: str(point["point"])))


def _rows_of(member: StandingMember, points: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    own: dict[str, Any] = member.values
    for point in list(points) or [{}]:
        yield own | point
        own = {"code": member.participant.code}
