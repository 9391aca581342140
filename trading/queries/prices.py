"""What each interval of a local day cost: the chart of the day."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from trading.models import Contract
from trading.queries.contracts import vwap
from units.interval import Interval, day_bounds


@dataclass(frozen=True, slots=True)
class IntervalPrice:
    """One interval of the day. Prices in VND/kWh, None where nothing was traded."""

    contract_id: int
    name: str
    delivery_start: datetime
    delivery_end: datetime
    state: str
    vwap_price: int | None
    last_price: int | None
    volume_wh: int


def day_prices(market_id: int, on: date, tz: ZoneInfo) -> list[IntervalPrice]:
    """The contracts of the local day `on`, in order: 46, 48 or 50 half hours, where all are there."""
    day = day_bounds(on, tz)
    rows = Contract.objects.filter(
        market=market_id, delivery_start__gte=day.start, delivery_start__lt=day.end
    ).order_by("delivery_start")
    return [_view(row, tz) for row in rows]


def _view(row: Contract, tz: ZoneInfo) -> IntervalPrice:
    name = Interval(row.delivery_start, row.delivery_end).label(tz)
    return IntervalPrice(
        row.id, name, row.delivery_start, row.delivery_end, row.state, vwap(row.turnover_millidong, row.volume_wh),
        row.last_price, row.volume_wh,
    )  # fmt: skip
