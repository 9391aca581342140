"""Who stands on documents, and what their meters' registers showed: read for some participants at a time."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import BillingProfile, Participant
from meters.models import Meter, MeteringPoint
from settlement.domain.document import Party, RegisterLine
from settlement.models import CloseReading, Issuer, MonthClose, RegisterReading
from trading.models import Market


@dataclass(frozen=True, slots=True)
class Member:
    """A participant as it is billed."""

    party: Party
    language: str
    taxed_seller: bool
    per_meter: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A boundary metering point with what it counted in the month, Wh."""

    id: int
    code: str
    took_wh: int
    gave_wh: int
    registers: tuple[RegisterLine, ...]


def issuer_party(market: Market, issuer: Issuer | None) -> Party:
    """The operator of the site as it stands on paper."""
    if issuer is None:
        return Party(market.site.code, market.site.name)
    return Party(
        market.site.code, issuer.legal_name, issuer.tax_code, issuer.address, issuer.email, issuer.phone,
        issuer.bank_name, issuer.bank_bin, issuer.bank_account,
    )  # fmt: skip


def members(participant_ids: list[int]) -> dict[int, Member]:
    """How each is billed; those without a billing profile by their name alone."""
    profiles = {p.participant_id: p for p in BillingProfile.objects.filter(participant_id__in=participant_ids)}
    people = Participant.objects.filter(pk__in=participant_ids)
    return {person.pk: _member(person, profiles.get(person.pk)) for person in people}


def _member(person: Participant, profile: BillingProfile | None) -> Member:
    if profile is None:
        return Member(Party(person.code, person.name), "vi", taxed_seller=False, per_meter=False)
    party = Party(
        person.code, profile.legal_name, profile.tax_code, profile.address, profile.email, profile.phone,
        profile.bank_name, profile.bank_bin, profile.bank_account,
    )  # fmt: skip
    per_meter = profile.invoice_per == BillingProfile.PerWhat.METER
    return Member(party, profile.language, profile.vat_registered, per_meter)


def points(close: MonthClose, participant_ids: list[int], last: date) -> dict[int, list[Point]]:
    """The boundary points of each participant, by code, with their registers over the month."""
    found = MeteringPoint.objects.filter(
        site_id=close.market.site_id, participant_id__in=participant_ids, role=MeteringPoint.Role.BOUNDARY
    ).order_by("code")
    by_id = {point.pk: point for point in found}
    days = _days(close, list(by_id))
    meters = _meters(list(by_id), close.month, last)
    olds = _old_registers(close, [meter for group in meters.values() for meter in group])
    made: dict[int, list[Point]] = defaultdict(list)
    for pk, point in by_id.items():
        counted = days.get(pk, {})
        took, gave = (sum(day[side] for day in counted.values()) for side in (0, 1))
        registers = [
            line for meter in meters[pk] for line in _registers(point.code, meter, counted, olds, close.month, last)
        ]
        made[point.participant_id].append(Point(pk, point.code, took, gave, tuple(registers)))
    return made


def gone_points(point_ids: list[int]) -> list[Point]:
    """Points that were a participant's when its document was issued, with nothing counted for it."""
    found = MeteringPoint.objects.filter(pk__in=point_ids).order_by("code") if point_ids else []
    return [Point(point.pk, point.code, 0, 0, ()) for point in found]


def _days(close: MonthClose, point_ids: list[int]) -> dict[int, dict[date, tuple[int, int]]]:
    rows = CloseReading.objects.filter(close=close, metering_point_id__in=point_ids)
    days: dict[int, dict[date, tuple[int, int]]] = defaultdict(dict)
    for point, on, took, gave in rows.values_list("metering_point_id", "on", "import_wh", "export_wh"):
        days[point][on] = took, gave
    return days


def _meters(point_ids: list[int], first: date, last: date) -> dict[int, list[Meter]]:
    """The meters that hung there on some day of the month, in the order in which they were installed."""
    found: dict[int, list[Meter]] = defaultdict(list)
    for meter in Meter.objects.filter(metering_point_id__in=point_ids, installed_on__lte=last).order_by("installed_on"):
        if meter.removed_on is None or meter.removed_on > first:
            found[meter.metering_point_id].append(meter)
    return found


def _old_registers(close: MonthClose, meters: list[Meter]) -> dict[int, tuple[int, int]]:
    """What each meter showed when the month began: as the last document said, else all that closes have counted."""
    rows = RegisterReading.objects.filter(meter__in=meters, on=close.month)
    known = {meter: (took, gave) for meter, took, gave in rows.values_list("meter_id", "import_wh", "export_wh")}
    unknown = [meter for meter in meters if meter.pk not in known]
    counted = _counted_before(close, [m.metering_point_id for m in unknown if m.installed_on < close.month])
    for meter in unknown:
        days = [day for on, day in counted.get(meter.metering_point_id, {}).items() if on >= meter.installed_on]
        took, gave = (sum(day[side] for day in days) for side in (0, 1))
        known[meter.pk] = meter.start_import_wh + took, meter.start_export_wh + gave
    return known


def _counted_before(close: MonthClose, point_ids: list[int]) -> dict[int, dict[date, tuple[int, int]]]:
    """The days before the month as issued closes counted them, each as the newest close has it."""
    earlier = MonthClose.objects.filter(market_id=close.market_id, month__lt=close.month, state="issued")
    closes = list(earlier.values_list("pk", flat=True))
    rows = CloseReading.objects.filter(close_id__in=closes, metering_point_id__in=point_ids).order_by("close_id")
    days: dict[int, dict[date, tuple[int, int]]] = defaultdict(dict)
    for point, on, took, gave in rows.values_list("metering_point_id", "on", "import_wh", "export_wh"):
        days[point][on] = took, gave
    return days


def _registers(
    point: str,
    meter: Meter,
    counted: dict[date, tuple[int, int]],
    olds: dict[int, tuple[int, int]],
    first: date,
    last: date,
) -> list[RegisterLine]:
    """Import, and export where the meter has counted any, over the days that the meter hung there."""
    since = max(first, meter.installed_on)
    until = min(last, meter.removed_on - timedelta(days=1)) if meter.removed_on else last
    lines = []
    for side, direction in enumerate(("import", "export")):
        energy = sum(day[side] for on, day in counted.items() if since <= on <= until)
        old = olds[meter.pk][side] % _full(meter)
        if direction == "import" or old or energy:
            new = (old + energy) % _full(meter)
            lines.append(RegisterLine(point, meter.serial, meter.multiplier, direction, since, until, old, new, energy))
    return lines


def _full(meter: Meter) -> int:
    """Where the registers start again from 0, Wh."""
    return int(10**meter.register_digits * 1_000 * meter.multiplier)


def meters_of(serials: list[str]) -> dict[str, int]:
    """The meters with these serial numbers."""
    return dict(Meter.objects.filter(serial__in=serials).values_list("serial", "pk"))
