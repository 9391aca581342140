"""A home's day and month: energy and money by interval, the forecast of the rest, and how near the surplus cap is."""

from dataclasses import dataclass
from datetime import datetime

from meters.models import MeteringPoint
from meters.queries import CurvePoint, curve, output_since
from planning.models import Forecast
from portal.desk import Desk
from settlement.queries import IntervalEnergy, Statement, energy_today, saved_by_contract, statement
from tariffs.queries import NoTerms, terms_on
from units.interval import Interval, day_bounds


@dataclass(frozen=True, slots=True)
class DayRow:
    """One interval: what the sun gave and the house used (Wh, None before it is measured), what was expected, what
    was traded, and the money in milli-đồng (None before it is settled)."""

    label: str
    start: datetime
    sun_wh: int | None
    use_wh: int | None
    expected_sun_wh: int | None
    expected_use_wh: int | None
    sold_wh: int | None
    bought_wh: int | None
    cash_millidong: int | None
    saved_millidong: int | None


@dataclass(frozen=True, slots=True)
class Cap:
    """How much of the month's own output the grid may pay for, Wh: its share in per cent, the share so far in
    per cent of the output, and what the grid still pays for at the output so far."""

    pct: int
    output_wh: int
    paid_wh: int

    @property
    def used_pct(self) -> int:
        """The share of the month's output that the grid has paid for, rounded down."""
        return self.paid_wh * 100 // self.output_wh if self.output_wh else 0

    @property
    def left_wh(self) -> int:
        """What the grid still pays for."""
        return max(0, self.output_wh * self.pct // 100 - self.paid_wh)


def day_rows(desk: Desk) -> list[DayRow]:
    """Today, interval by interval, as far as anything is measured, settled or expected."""
    assert desk.participant is not None
    who, day = desk.participant.pk, day_bounds(desk.today, desk.zone)
    stretch = day.start, day.end
    wires, sun, store = (
        {point.start: point for point in curve(desk.market.site_id, who, *stretch, role)}
        for role in (MeteringPoint.Role.BOUNDARY, MeteringPoint.Role.GENERATION, MeteringPoint.Role.STORAGE)
    )
    settled = {row.start: row for row in energy_today(desk.market.pk, who, *stretch)}
    saved = saved_by_contract(desk.market.pk, who, *stretch)
    expected = {
        start: (load, made)
        for start, load, made in Forecast.objects.filter(
            market=desk.market, participant=who, start__gte=day.start, start__lt=day.end
        ).values_list("start", "load_wh", "generation_wh")
    }
    return [
        _row(desk, start, wires.get(start), sun.get(start), store.get(start), settled.get(start), saved, expected)
        for start in sorted({*wires, *settled, *expected})
    ]


def _row(
    desk: Desk,
    start: datetime,
    wires: CurvePoint | None,
    sun: CurvePoint | None,
    store: CurvePoint | None,
    settled: IntervalEnergy | None,
    saved: dict[int, int],
    expected: dict[datetime, tuple[int, int]],
) -> DayRow:
    made = sun.export_wh if sun else 0
    kept = store.import_wh - store.export_wh if store else 0
    use = max(0, wires.import_wh - wires.export_wh + made - kept) if wires else None
    load, coming = expected.get(start, (None, None))
    label = Interval.of(start, desk.market.interval_minutes, desk.zone).label(desk.zone)
    return DayRow(
        label, start, sun.export_wh if sun else None, use, coming, load,
        settled.sold_wh if settled else None, settled.bought_wh if settled else None,
        settled.cash_millidong if settled else None, saved.get(settled.contract_id) if settled else None,
    )  # fmt: skip


def chart(rows: list[DayRow]) -> list[dict[str, object]]:
    """The rows as the page's chart takes them: seconds, Wh and milli-đồng."""
    return [
        {
            "at": int(row.start.timestamp()), "label": row.label, "sun": row.sun_wh, "use": row.use_wh,
            "expected_sun": row.expected_sun_wh, "saved": row.saved_millidong, "cash": row.cash_millidong,
        }
        for row in rows
    ]  # fmt: skip


def day_so_far(desk: Desk) -> Statement:
    """The settled intervals of today together."""
    assert desk.participant is not None
    day = day_bounds(desk.today, desk.zone)
    return statement(desk.market.pk, desk.participant.pk, day.start, day.end)


def month_so_far(desk: Desk) -> Statement:
    """The settled intervals of this month together."""
    assert desk.participant is not None
    first = day_bounds(desk.today.replace(day=1), desk.zone).start
    return statement(desk.market.pk, desk.participant.pk, first, day_bounds(desk.today, desk.zone).end)


def cap_of(desk: Desk, month: Statement) -> Cap | None:
    """How near the surplus cap is; None where the site has none, or the house no panels with a meter of their own."""
    assert desk.participant is not None
    try:
        pct = terms_on(desk.market.site_id, desk.today).surplus_cap_pct
    except NoTerms:
        return None
    first = day_bounds(desk.today.replace(day=1), desk.zone).start
    owners, output = output_since(desk.market.site_id, first, desk.now, [desk.participant.pk])
    if pct is None or not len(owners):
        return None
    return Cap(pct, int(output[0]), month.grid_export_wh - month.unpaid_spill_wh)
