"""What a participant's energy cost against the grid alone, interval by interval: neighbours, pool, grid, network fee.

Every figure is that of the interval's last run, without VAT. What the pool and the grid cost follows from the run's
prices; the network fee, compensation and the neighbours' trades stand in the ledger, interval by interval. Who bought
and sold to neighbours within one interval has both in one entry of the ledger; there the trades are added up.
The grid alone would have cost import × retail price − export × surplus price, as statements have it.

Example: 10,000 Wh taken, of them 4,000 from neighbours at 1,650 (fee 120) and 6,000 from the grid at 3,398: 6,600 ₫ +
480 ₫ + 20,388 ₫ = 27,468 ₫ instead of 33,980 ₫, so 6,512 ₫ saved.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from trading.models import Market
from units.interval import Interval

PROVISIONAL = "P"


@dataclass(frozen=True, slots=True)
class Cost:
    """Energies in Wh; money in milli-đồng, what is paid positive, but `sold` and `compensation` as received.

    `local` is bought from neighbours in trades, `pool` in the pool, `sold` given to neighbours, pool and grid. `evn` is
    what the same meters would have cost on the grid alone.
    """

    import_wh: int
    local_wh: int
    pool_wh: int
    grid_wh: int
    sold_wh: int
    local_millidong: int
    pool_millidong: int
    grid_millidong: int
    fee_millidong: int
    sold_millidong: int
    compensation_millidong: int
    evn_millidong: int

    @property
    def bought_millidong(self) -> int:
        """All that was paid for what was taken."""
        return self.local_millidong + self.pool_millidong + self.grid_millidong + self.fee_millidong

    @property
    def paid_millidong(self) -> int:
        """What it all came to; below 0 where more was earned than paid."""
        return self.bought_millidong - self.sold_millidong - self.compensation_millidong

    @property
    def saved_millidong(self) -> int:
        """How much better than the grid alone."""
        return self.evn_millidong - self.paid_millidong


@dataclass(frozen=True, slots=True)
class IntervalCost:
    """One settled interval. `kind` is that of its last run; one that is provisional can still change."""

    contract_id: int
    label: str
    start: datetime
    kind: str
    estimated: bool
    retail_price: int
    cost: Cost

    @property
    def provisional(self) -> bool:
        """Whether only the provisional run was made."""
        return self.kind == PROVISIONAL


_COSTS = """
    SELECT c.id, c.delivery_start, c.delivery_end, run.kind, r.estimated, r.retail_price,
           r.import_wh, r.bought_wh - r.pool_bought_wh, r.pool_bought_wh, r.grid_import_wh, r.export_wh,
           CASE WHEN r.bought_wh = r.pool_bought_wh THEN 0
                WHEN r.sold_wh = r.pool_sold_wh THEN -coalesce(l.local, 0)
                ELSE (SELECT coalesce(sum(d.delivered_wh * t.price), 0)::bigint FROM settlement_traderesult d
                      JOIN trading_trade t ON t.market_id = d.market_id AND t.trade_no = d.trade_no
                      WHERE d.run_id = run.results AND t.buyer_id = %(participant)s) END,
           r.pool_bought_wh * coalesce(run.pool_price, 0), r.grid_import_wh * r.retail_price, -coalesce(l.fee, 0),
           coalesce(l.compensation, 0), r.cash_millidong,
           r.import_wh * r.retail_price - r.export_wh * run.surplus_price
    FROM trading_contract c CROSS JOIN LATERAL (
        SELECT kind, coalesce(results_of_id, id) AS results, surplus_price, pool_price FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run JOIN settlement_participantresult r ON r.run_id = run.results AND r.participant_id = %(participant)s
    LEFT JOIN (
        SELECT t.contract_id, sum(e.amount_millidong) FILTER (WHERE t.category = 'local')::bigint AS local,
               sum(e.amount_millidong) FILTER (WHERE t.category = 'network_fee')::bigint AS fee,
               sum(e.amount_millidong) FILTER (WHERE t.category = 'compensation')::bigint AS compensation
        FROM settlement_ledgeraccount a JOIN settlement_ledgerentry e ON e.account_id = a.id
        JOIN settlement_ledgertransaction t ON t.id = e.transaction_id JOIN trading_contract k ON k.id = t.contract_id
        WHERE a.market_id = %(market)s AND a.kind = 'participant' AND a.participant_id = %(participant)s
            AND k.delivery_start >= %(start)s AND k.delivery_start < %(end)s GROUP BY t.contract_id
    ) l ON l.contract_id = c.id
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
    ORDER BY c.delivery_start
"""


def costs(market: Market, participant_id: int, start: datetime, end: datetime) -> list[IntervalCost]:
    """The settled intervals of a participant that begin in [start, end), in order."""
    zone = ZoneInfo(market.site.timezone)
    values = (("market", market.pk), ("participant", participant_id), ("start", start), ("end", end))
    with connection.cursor() as cursor:
        cursor.execute(_COSTS, dict(values))
        rows = cursor.fetchall()
    return [
        IntervalCost(pk, Interval(first, last).label(zone), first, kind, estimated, retail, _cost(*figures))
        for pk, first, last, kind, estimated, retail, *figures in rows
    ]


def _cost(
    import_wh: int, local_wh: int, pool_wh: int, grid_wh: int, sold_wh: int,
    local: int, pool: int, grid: int, fee: int, compensation: int, cash: int, evn: int,
) -> Cost:  # fmt: skip
    """What was sold for is what is left of the cash once all else is known."""
    sold = cash + local + pool + grid + fee - compensation
    return Cost(
        import_wh, local_wh, pool_wh, grid_wh, sold_wh, local, pool, grid, fee, sold, compensation, evn
    )  # fmt: skip


NOTHING = Cost(*[0] * len(fields(Cost)))


def total(rows: Iterable[Cost]) -> Cost:
    """All of them together."""
    rows = list(rows)
    return Cost(*(sum(getattr(row, field.name) for row in rows) for field in fields(Cost)))


def by_day(rows: Iterable[IntervalCost], zone: ZoneInfo) -> dict[date, Cost]:
    """The costs of each local day, in order."""
    days: dict[date, list[Cost]] = defaultdict(list)
    for row in rows:
        days[row.start.astimezone(zone).date()].append(row.cost)
    return {on: total(costs) for on, costs in days.items()}
