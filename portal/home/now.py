"""What a home does now: the energy of its last interval, the battery, and what was paid for it.

The last interval that is settled is shown, since only then it is known what went to neighbours; before any is, the
last that was measured.

Example: sun 3,100 Wh, to the wires 2,000 (1,800 to neighbours at 1,640), into the battery 400 in half an hour → the sun
gives 6.2 kW, the house uses 1.4 kW, and 3.6 kW are sold at 1,640 where the grid pays 671.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from meters.models import Device, MeteringPoint
from meters.queries import CurvePoint, DeviceRow, curve, devices_of
from portal.desk import Desk
from settlement.queries import IntervalEnergy, energy_today, own_trades
from tariffs.pricebook import price_book
from trading.models import Contract
from units.interval import Interval
from units.numbers import rounded_half_up

LOOK_BACK = timedelta(hours=24)
MINUTES_AN_HOUR = 60
QUIET_W = 50  # less than a lamp: nothing flows
FULL_PCT = 100


@dataclass(frozen=True, slots=True)
class Flow:
    """Mean power over one interval, W. Into the battery and out of it, over the wires from and to neighbours and the
    grid; `settled` False: what crossed the wires is not divided yet and stands with the grid."""

    label: str
    at: datetime
    settled: bool
    sun_w: int | None
    use_w: int
    charge_w: int
    discharge_w: int
    sold_w: int
    bought_w: int
    grid_out_w: int
    grid_in_w: int
    sold_price: int | None
    bought_price: int | None

    @property
    def does(self) -> str:
        """What it mostly does on the wires: sell, spill (to the grid), buy, draw (from the grid) or rest."""
        amounts = {"sell": self.sold_w, "spill": self.grid_out_w, "buy": self.bought_w, "draw": self.grid_in_w}
        most = max(amounts, key=lambda name: amounts[name])
        return most if amounts[most] >= QUIET_W else "rest"

    @property
    def main_w(self) -> int:
        """How much of that."""
        return {
            "sell": self.sold_w, "spill": self.grid_out_w, "buy": self.bought_w, "draw": self.grid_in_w, "rest": 0,
        }[self.does]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in đồng/kWh, None where not known: the market's last one, what the grid pays and what it charges."""

    market: int | None
    interval: str
    contract_id: int | None
    grid_pays: int | None
    grid_charges: int | None


def battery_of(desk: Desk) -> DeviceRow | None:
    """The battery of the house, the first where there are several."""
    assert desk.participant is not None
    devices = devices_of(desk.market.site_id, [desk.participant.pk]).get(desk.participant.pk, [])
    return next((each for each in devices if each.kind == Device.Kind.BATTERY and each.capacity_wh), None)


def percent_full(battery: DeviceRow) -> int:
    """How full a battery is, in whole per cent."""
    return rounded_half_up(battery.soc_wh * FULL_PCT, battery.capacity_wh)


def flow_now(desk: Desk) -> Flow | None:
    """The last interval of the last 24 hours that was settled, else measured; None where no meter said anything."""
    assert desk.participant is not None
    since = desk.now - LOOK_BACK
    settled = energy_today(desk.market.pk, desk.participant.pk, since, desk.now)
    if settled:
        return _of_settled(desk, settled[-1])
    measured = curve(desk.market.site_id, desk.participant.pk, since, desk.now)
    return _of_measured(desk, measured[-1]) if measured else None


def _of_settled(desk: Desk, row: IntervalEnergy) -> Flow:
    assert desk.participant is not None
    wires = row.sold_wh, row.bought_wh, row.grid_export_wh, row.grid_import_wh
    prices = own_trades(desk.market.pk, desk.participant.pk, row.contract_id)
    return _flow(desk, row.start, row.import_wh, row.export_wh, wires, prices, settled=True)


def _of_measured(desk: Desk, point: CurvePoint) -> Flow:
    wires = 0, 0, point.export_wh, point.import_wh
    return _flow(desk, point.start, point.import_wh, point.export_wh, wires, (None, None), settled=False)


def _flow(
    desk: Desk,
    start: datetime,
    import_wh: int,
    export_wh: int,
    wires: tuple[int, int, int, int],
    prices: tuple[int | None, int | None],
    *,
    settled: bool,
) -> Flow:
    minutes = desk.market.interval_minutes
    end = start + timedelta(minutes=minutes)
    sun, store = (_only(desk, start, end, role) for role in (MeteringPoint.Role.GENERATION, MeteringPoint.Role.STORAGE))
    made = sun.export_wh if sun else 0
    charged, gave = (store.import_wh, store.export_wh) if store else (0, 0)
    use = max(0, import_wh - export_wh + made + gave - charged)
    use_w, charge_w, gave_w, sold_w, bought_w, out_w, in_w = (
        energy * MINUTES_AN_HOUR // minutes for energy in (use, charged, gave, *wires)
    )
    sun_w = made * MINUTES_AN_HOUR // minutes if sun else None
    label = Interval(start, end).label(desk.zone)
    return Flow(
        label, end, settled, sun_w, use_w, charge_w, gave_w, sold_w, bought_w, out_w, in_w, *prices
    )  # fmt: skip


def _only(desk: Desk, start: datetime, end: datetime, role: str) -> CurvePoint | None:
    assert desk.participant is not None
    points = curve(desk.market.site_id, desk.participant.pk, start, end, role)
    return points[0] if points else None


def prices_now(desk: Desk) -> Prices:
    """What energy costs now: the next interval that was traded, and what the grid pays and charges at this moment."""
    assert desk.participant is not None
    book = price_book(desk.market.site_id, desk.zone)
    terms = book.terms(desk.now)
    retail = book.retail(desk.participant.pk, desk.now)
    contract = next_traded(desk)
    if contract is None:
        return Prices(None, "", None, terms[0] if terms else None, retail)
    label = Interval(contract.delivery_start, contract.delivery_end).label(desk.zone)
    return Prices(contract.last_price, label, contract.pk, terms[0] if terms else None, retail)


def next_traded(desk: Desk) -> Contract | None:
    """The next interval to be delivered for which there is a price."""
    rows = Contract.objects.filter(market=desk.market, delivery_end__gt=desk.now, last_price__isnull=False)
    return rows.order_by("delivery_start").first()
