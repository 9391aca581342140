"""Own energy and money of a local day, for one page: the settled intervals of all the participants I act for.

Example: a home that exported 5.0 kWh, of which 3.2 kWh went to neighbours, reads export 5,000, sold 3,200 and, from the
statement, how much better that was than the grid alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from settlement.queries import IntervalEnergy, Statement, energy_today, statement
from trading.queries import MarketView
from units.interval import day_bounds


@dataclass(frozen=True, slots=True)
class OwnInterval:
    """One settled interval of mine: energies in Wh, cash in milli-đồng, received positive."""

    contract_id: int
    import_wh: int
    export_wh: int
    sold_wh: int
    bought_wh: int
    cash_millidong: int


@dataclass(frozen=True, slots=True)
class OwnToday:
    """What the day came to so far: energies in Wh, money in milli-đồng; `savings` is against the grid alone."""

    intervals: list[OwnInterval]
    import_wh: int
    export_wh: int
    sold_wh: int
    bought_wh: int
    cash_millidong: int
    savings_millidong: int
    payable: bool


def own_today(market: MarketView, on: date, participant_ids: Iterable[int]) -> OwnToday:
    """The settled intervals of the local day `on` of these participants together; all zero before any is settled."""
    day = day_bounds(on, market.tz)
    parties = list(participant_ids)
    rows = [row for party in parties for row in energy_today(market.id, party, day.start, day.end)]
    statements = [statement(market.id, party, day.start, day.end) for party in parties]
    return _summed(_by_interval(rows), statements)


def _by_interval(rows: Iterable[IntervalEnergy]) -> list[OwnInterval]:
    sums: dict[int, OwnInterval] = {}
    for row in sorted(rows, key=lambda row: row.start):
        had = sums.get(row.contract_id, OwnInterval(row.contract_id, 0, 0, 0, 0, 0))
        sums[row.contract_id] = OwnInterval(
            row.contract_id, had.import_wh + row.import_wh, had.export_wh + row.export_wh, had.sold_wh + row.sold_wh,
            had.bought_wh + row.bought_wh, had.cash_millidong + row.cash_millidong,
        )  # fmt: skip
    return list(sums.values())


def _summed(intervals: list[OwnInterval], statements: list[Statement]) -> OwnToday:
    return OwnToday(
        intervals,
        sum(row.import_wh for row in intervals),
        sum(row.export_wh for row in intervals),
        sum(row.sold_wh for row in intervals),
        sum(row.bought_wh for row in intervals),
        sum(row.cash_millidong for row in intervals),
        sum(row.savings_millidong for row in statements),
        all(row.payable for row in statements),
    )
