"""What an administrator controls a market by: what is open, how much waits there, what is stopped and planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from trading.models import Contract, Market, Order, PlannedStop
from units.interval import day_bounds

OPEN_STATES = (Contract.State.CALL, Contract.State.CONTINUOUS)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open orders, and of how many members they are."""

    orders: int = 0
    members: int = 0


@dataclass(frozen=True, slots=True)
class OpenContract:
    """A contract that can be traded, with what waits in its book."""

    contract: Contract
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A local day of delivery: how many intervals are open or scheduled, when the first gate opens and the last closes,
    the stops planned in it."""

    on: date
    intervals: int
    opens_at: datetime | None
    closes_at: datetime | None
    stops: list[PlannedStop]


def open_contracts(market: Market) -> list[OpenContract]:
    """The contracts that can be traded now, the nearest delivery first."""
    rows = Order.objects.filter(market=market, status__lte=Order.Status.PARTIALLY_FILLED)
    counted = rows.values_list("contract").annotate(Count("seq"), Count("participant", distinct=True))
    held = {key: Waiting(orders, members) for key, orders, members in counted}
    contracts = Contract.objects.filter(market=market, state__in=OPEN_STATES).order_by("delivery_start")
    return [OpenContract(each, held.get(each.pk, Waiting())) for each in contracts]


def waiting(market: Market) -> Waiting:
    """What waits in all books together."""
    rows = Order.objects.filter(market=market, status__lte=Order.Status.PARTIALLY_FILLED)
    found = rows.aggregate(orders=Count("seq"), members=Count("participant", distinct=True))
    return Waiting(found["orders"], found["members"])


def calendar(market: Market, first: date, days: int) -> list[CalendarDay]:
    """The days from `first` on, with or without contracts yet."""
    zone = ZoneInfo(market.site.timezone)
    bounds = [day_bounds(first + timedelta(days=ahead), zone) for ahead in range(days)]
    start, end = bounds[0].start, bounds[-1].end
    contracts = list(Contract.objects.filter(market=market, delivery_start__gte=start, delivery_start__lt=end))
    stops = list(
        PlannedStop.objects.filter(market=market, starts_at__lt=end, ends_at__gt=start)
        .exclude(state=PlannedStop.State.CANCELLED)
        .select_related("planned_by")
    )
    return [_day(first + timedelta(days=n), contracts, stops, day.start, day.end) for n, day in enumerate(bounds)]


def _day(
    on: date, contracts: Sequence[Contract], stops: Sequence[PlannedStop], start: datetime, end: datetime
) -> CalendarDay:
    mine = [each for each in contracts if start <= each.delivery_start < end]
    return CalendarDay(
        on,
        len(mine),
        min((each.gate_opens_at for each in mine), default=None),
        max((each.gate_closes_at for each in mine), default=None),
        [each for each in stops if each.starts_at < end and each.ends_at > start],
    )


def planned_stops(market: Market) -> list[PlannedStop]:
    """Stops that are planned or under way, the next one first."""
    states = Q(state=PlannedStop.State.PLANNED) | Q(state=PlannedStop.State.RUNNING)
    return list(PlannedStop.objects.filter(states, market=market).select_related("planned_by"))
