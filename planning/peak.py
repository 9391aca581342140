"""The peak guard: how much power a participant draws, what its month's peak costs, and when it crosses its own limit.

Measured power comes from the boundary readings, each in its latest version; `domain/peak.py` makes half hours of them.
Where the present half hour is heading is told only from what is known: from its first readings where the market's
interval is shorter, else from the forecast that the planner keeps for the participant; else it is not told.

Example: limit 300 kW, warning from 90 %. The half hour 10:30–11:00 was metered at 312 kW and is the month's highest;
the tariff charges 209,459 ₫ per kW → the month's charge stands at 65,351,208 ₫, 2,513,508 ₫ of it for the 12 kW too
much. `crossings` returns it to whoever tells people.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum

from accounts.models import Participant, User
from accounts.operations import audit
from meters.queries import CurvePoint, curve, curves
from planning.domain.peak import HALF_HOUR, Guard, HalfHour, Level, Metered, charge_millidong, half_hours, peak
from planning.models import Forecast, PeakLimit
from settlement.domain.calendar import month_after, month_start
from tariffs.queries import capacity_price_of
from trading.models import Market
from units.interval import Interval, day_bounds

MOST_W = 10**9  # a large power station
LEAST_WARN_PCT, MOST_WARN_PCT = 50, 100
Basis = Literal["metered", "forecast"]


class PeakRefused(ValueError):
    """A limit that makes no sense; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Heading:
    """Where the present half hour is heading: its mean power in W if it goes on as metered so far, or as forecast."""

    start: datetime
    power_w: int
    basis: Basis


@dataclass(frozen=True, slots=True)
class Power:
    """The mean power of one interval of the market, in W."""

    start: datetime
    power_w: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class PeakView:
    """A participant's power today and this month. `price_per_kw` is what its tariff charges for the month's highest
    half hour, in đồng per kW and month; None where it charges by energy alone."""

    guard: Guard | None
    today: tuple[Power, ...]
    last: HalfHour | None
    heading: Heading | None
    day_peak: HalfHour | None
    month_peak: HalfHour | None
    price_per_kw: int | None

    @property
    def level(self) -> Level | None:
        """How the worse of the last half hour and the present one stands against the limit; None without either."""
        powers = [each.power_w for each in (self.last, self.heading) if each]
        return self.guard.level(max(powers)) if self.guard and powers else None

    @property
    def over_w(self) -> int:
        """By how much the month's peak exceeds the limit, in W."""
        return self.guard.over_w(self.month_peak.power_w) if self.guard and self.month_peak else 0

    @property
    def charge_millidong(self) -> int | None:
        """What the month's peak costs so far."""
        if self.price_per_kw is None or self.month_peak is None:
            return None
        return charge_millidong(self.month_peak.power_w, self.price_per_kw)

    @property
    def over_millidong(self) -> int | None:
        """The part of that charge which is for power above the limit."""
        return None if self.price_per_kw is None else charge_millidong(self.over_w, self.price_per_kw)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A half hour in which a participant came near its limit or exceeded it. Powers in W."""

    participant_id: int
    start: datetime
    end: datetime
    power_w: int
    limit_w: int
    level: Level


def peak_view(market: Market, participant_id: int, now: datetime) -> PeakView:
    """What the guard shows at the market time `now`."""
    zone = ZoneInfo(market.site.timezone)
    day = day_bounds(now.astimezone(zone).date(), zone)
    first = month_start(now.astimezone(zone).date(), zone)
    points = curve(market.site_id, participant_id, first, day.end)
    hours = half_hours(_metered(points, market), zone)
    today = [point for point in points if point.start >= day.start]
    last_on = month_after(now.astimezone(zone).date(), 1) - timedelta(days=1)
    return PeakView(
        guard=guard_of(market.pk, participant_id),
        today=tuple(Power(each.start, each.power_w, each.estimated) for each in _powers(today, market)),
        last=next((each for each in reversed(hours) if each.complete and each.start >= day.start), None),
        heading=_heading(market, participant_id, hours, now, zone),
        day_peak=peak(each for each in hours if each.start >= day.start),
        month_peak=peak(hours),
        price_per_kw=capacity_price_of(market.site_id, participant_id, last_on),
    )


def _metered(points: Iterable[CurvePoint], market: Market) -> list[Metered]:
    return [Metered(each.start, market.interval_minutes, each.import_wh, each.estimated) for each in points]


def _powers(points: Iterable[CurvePoint], market: Market) -> list[HalfHour]:
    return [HalfHour(each.start, each.import_wh, each.minutes, each.estimated) for each in _metered(points, market)]


def _heading(
    market: Market, participant_id: int, hours: list[HalfHour], now: datetime, zone: ZoneInfo
) -> Heading | None:
    start = Interval.of(now, HALF_HOUR, zone).start
    begun = next((each for each in hours if each.start == start), None)
    if begun is not None:
        return Heading(start, begun.power_w, "metered")
    return _forecast(market, participant_id, start)


def _forecast(market: Market, participant_id: int, start: datetime) -> Heading | None:
    """Load less generation of the half hour, where every interval of it has a forecast; below 0 it takes nothing."""
    rows = Forecast.objects.filter(
        market=market, participant=participant_id, start__gte=start, start__lt=start + timedelta(minutes=HALF_HOUR)
    )
    if len(rows) * market.interval_minutes != HALF_HOUR:
        return None
    sums = rows.aggregate(load=Sum("load_wh"), made=Sum("generation_wh"))
    need = HalfHour(start, max(0, int(sums["load"] - sums["made"])), HALF_HOUR, estimated=True)
    return Heading(start, need.power_w, "forecast")


def guard_of(market_id: int, participant_id: int) -> Guard | None:
    """The limit that a participant has set; None where it has none."""
    rows = PeakLimit.objects.filter(market=market_id, participant=participant_id)
    row = rows.values_list("limit_w", "warn_pct").first()
    return Guard(*row) if row else None


def crossings(market: Market, start: datetime, end: datetime) -> list[Crossing]:
    """The half hours that begin in [start, end), are metered throughout and come near a limit or exceed it, in order.

    A correction of a reading may bring one that was not there, or take one away: whoever tells people remembers by
    participant and start what was told. All members' limits in two queries.
    """
    zone = ZoneInfo(market.site.timezone)
    rows = PeakLimit.objects.filter(market=market).values_list("participant_id", "limit_w", "warn_pct")
    guards = {participant: Guard(limit_w, warn_pct) for participant, limit_w, warn_pct in rows}
    # A half hour that begins inside may end outside.
    read = curves(market.site_id, list(guards), start, end + timedelta(minutes=HALF_HOUR)) if guards else {}
    found = [
        crossing
        for participant, points in read.items()
        for each in half_hours(_metered(points, market), zone)
        if start <= each.start < end and (crossing := _crossing(participant, each, guards[participant]))
    ]
    return sorted(found, key=lambda each: (each.start, each.participant_id))


def _crossing(participant_id: int, half_hour: HalfHour, guard: Guard) -> Crossing | None:
    level = guard.level(half_hour.power_w)
    if level == "fine" or not half_hour.complete:
        return None
    end = half_hour.start + timedelta(minutes=HALF_HOUR)
    return Crossing(participant_id, half_hour.start, end, half_hour.power_w, guard.limit_w, level)


def set_peak_limit(
    *, market: Market, participant: Participant, limit_w: int, warn_pct: int, by: User, at: datetime
) -> bool:
    """Warn from `warn_pct` per cent of `limit_w` on. True where that is a change. Raises PeakRefused (`bad_power`,
    `bad_warning`)."""
    if not 0 < limit_w <= MOST_W:
        raise PeakRefused("bad_power", "Give a power above 0 and up to 1,000,000 kW.")
    if not LEAST_WARN_PCT <= warn_pct <= MOST_WARN_PCT:
        raise PeakRefused("bad_warning", "Warn from 50 % to 100 % of the limit.")
    with transaction.atomic():
        row = _locked(market, participant)
        if row is not None and (row.limit_w, row.warn_pct) == (limit_w, warn_pct):
            return False
        PeakLimit.objects.update_or_create(
            market=market, participant=participant, defaults={"limit_w": limit_w, "warn_pct": warn_pct}
        )
        detail = {"market": market.code, "limit_w": limit_w, "warn_pct": warn_pct}
        audit(by=by, action="peak_limit.set", target=f"participant {participant.code}", at=at, detail=detail)
    return True


def remove_peak_limit(*, market: Market, participant: Participant, by: User, at: datetime) -> bool:
    """Guard the participant's power no longer. True where that is a change."""
    with transaction.atomic():
        row = _locked(market, participant)
        if row is None:
            return False
        row.delete()
        detail = {"market": market.code, "limit_w": row.limit_w}
        audit(by=by, action="peak_limit.removed", target=f"participant {participant.code}", at=at, detail=detail)
    return True


def _locked(market: Market, participant: Participant) -> PeakLimit | None:
    return PeakLimit.objects.select_for_update().filter(market=market, participant=participant).first()
