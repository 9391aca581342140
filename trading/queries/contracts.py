"""Contracts with what a trader reads in a row of them: state, best prices, last price, volume, indicative price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q, QuerySet

from trading.domain.auction import Uncrossing
from trading.models import Contract, Market, Stop
from trading.queries.book import indicative
from trading.queries.view import one_view
from units.interval import Interval
from units.numbers import rounded_half_up

HALTED, FROZEN = "HALTED", "FROZEN"
TRADING_STATES = (Contract.State.CALL, Contract.State.CONTINUOUS)


@dataclass(frozen=True, slots=True)
class ContractView:
    """One delivery interval and its market. Prices in VND/kWh, energy in Wh; None where there is none yet."""

    contract_id: int
    name: str
    product: str
    delivery_start: datetime
    delivery_end: datetime
    gate_opens_at: datetime
    call_until: datetime | None
    gate_closes_at: datetime
    state: str
    min_price: int
    max_price: int
    best_bid: int | None
    best_ask: int | None
    last_price: int | None
    last_at: datetime | None
    high_price: int | None
    low_price: int | None
    vwap_price: int | None
    volume_wh: int
    indicative_price: int | None
    indicative_wh: int


def contracts(market_id: int, start: datetime, end: datetime) -> list[ContractView]:
    """The contracts delivered within `[start, end)`, in order."""
    return _read(market_id, Q(delivery_start__gte=start, delivery_start__lt=end))


def contracts_by_id(market_id: int, contract_ids: Sequence[int]) -> list[ContractView]:
    """These contracts, in order of delivery."""
    return _read(market_id, Q(pk__in=contract_ids)) if contract_ids else []


def contract(market_id: int, contract_id: int) -> ContractView | None:
    """One contract, or None where the market has no such."""
    rows = contracts_by_id(market_id, [contract_id])
    return rows[0] if rows else None


def _read(market_id: int, chosen: Q) -> list[ContractView]:
    with one_view():
        market = Market.objects.select_related("site").get(pk=market_id)
        return views(market, Contract.objects.filter(chosen, market=market_id))


def views(market: Market, chosen: QuerySet[Contract]) -> list[ContractView]:
    """The rows of these contracts, in order of delivery; call it inside `one_view`."""
    rows = list(chosen.order_by("delivery_start"))
    open_ids = [row.id for row in rows if row.state in TRADING_STATES]
    calls = [row.id for row in rows if row.state == Contract.State.CALL]
    best = best_prices(open_ids)
    auctions = indicative(market.id, calls, market.tick)
    tz = ZoneInfo(market.site.timezone)
    return [_view(row, market, tz, best.get(row.id, (None, None)), auctions.get(row.id)) for row in rows]


def best_prices(contract_ids: Sequence[int]) -> dict[int, tuple[int | None, int | None]]:
    """contract → (best bid, best ask), None on an empty side. Two looks into an index for each contract."""
    if not contract_ids:
        return {}
    best = "(SELECT o.price FROM trading_order o WHERE o.contract_id = q.id AND o.side = {side} AND o.status <= 1"
    best += " ORDER BY o.side * o.price * -1, o.priority LIMIT 1)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT q.id, {best.format(side=1)}, {best.format(side=-1)} FROM unnest(%s::bigint[]) AS q(id)",
            [list(contract_ids)],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def _view(
    row: Contract, market: Market, tz: ZoneInfo, best: tuple[int | None, int | None], auction: Uncrossing | None
) -> ContractView:
    interval = Interval(row.delivery_start, row.delivery_end)
    trading = row.state in TRADING_STATES
    return ContractView(
        row.id, interval.label(tz), f"P{interval.minutes}", row.delivery_start, row.delivery_end, row.gate_opens_at,
        row.call_until, row.gate_closes_at, _shown_state(row, market) if trading else row.state, row.min_price,
        row.max_price, best[0], best[1], row.last_price, row.last_at, row.high_price, row.low_price,
        vwap(row.turnover_millidong, row.volume_wh), row.volume_wh, auction.price if auction else None,
        auction.volume_wh if auction else 0,
    )  # fmt: skip


def _shown_state(row: Contract, market: Market) -> str:
    """Of market and contract the stricter stop; else the state itself."""
    stop = max(row.stop, market.stop, int(market.halted))
    return {Stop.HALTED.value: HALTED, Stop.FROZEN.value: FROZEN}.get(stop, row.state)


def vwap(turnover_millidong: int, volume_wh: int) -> int | None:
    """The mean price weighted by energy, to the nearest VND/kWh for display; None where nothing was traded."""
    return rounded_half_up(turnover_millidong, volume_wh) if volume_wh else None
