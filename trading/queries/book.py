"""The book of a contract by price level, and the price at which an opening auction would uncross now.

What the public sees of an iceberg is its clip; in an opening auction it counts with all of it (matching rules), so the
indicative price is computed from whole quantities.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from trading.domain.auction import Uncrossing, uncrossing
from trading.models import Market, Order
from trading.queries.view import one_view

VISIBLE_WH = "CASE WHEN display_wh > 0 THEN least(shown_wh, remaining_wh) ELSE remaining_wh END"
DEFAULT_DEPTH = 20

LevelRow = tuple[int, int, int, int, int]  # contract, side, price, Wh, orders


@dataclass(frozen=True, slots=True)
class BookView:
    """The visible book of one contract at `seq`: [price in VND/kWh, Wh, orders], best first on each side."""

    contract_id: int
    seq: int
    at: datetime | None
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]


def book(contract_id: int, market_id: int, depth: int = DEFAULT_DEPTH) -> BookView:
    """The best `depth` levels of each side, and the sequence number that they belong to."""
    with one_view():
        seq, at = Market.objects.values_list("last_seq", "last_at").get(pk=market_id)
        sides = by_side(level_rows(market_id, [contract_id]))
    return BookView(contract_id, seq, at, sides[contract_id, 1][:depth], sides[contract_id, -1][:depth])


def level_rows(market_id: int, contract_ids: Sequence[int] | None = None, *, whole: bool = False) -> list[LevelRow]:
    """(contract, side, price, Wh, orders) of the open orders; with `whole`, icebergs count with all they hold."""
    chosen = "" if contract_ids is None else "AND contract_id = ANY(%s)"
    quantity = "remaining_wh" if whole else VISIBLE_WH
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT contract_id, side, price, sum({quantity})::bigint, count(*) FROM trading_order"
            f" WHERE market_id = %s AND status <= 1 AND price IS NOT NULL {chosen} GROUP BY contract_id, side, price",
            [market_id] if contract_ids is None else [market_id, list(contract_ids)],
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in cursor.fetchall()]


def by_side(rows: Iterable[LevelRow]) -> dict[tuple[int, int], list[tuple[int, int, int]]]:
    """(contract, side) → its levels, best first."""
    sides: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for contract, side, price, wh, orders in rows:
        sides[contract, side].append((price, wh, orders))
    for (_, side), levels in sides.items():
        levels.sort(reverse=side == Order.Side.BUY)
    return sides


def indicative(market_id: int, contract_ids: Sequence[int], tick: int) -> dict[int, Uncrossing]:
    """Where each of these opening auctions would uncross if it ended now: price (None: nothing trades) and Wh."""
    if not contract_ids:
        return {}
    sides = by_side(level_rows(market_id, contract_ids, whole=True))
    return {key: uncrossing(_priced(sides[key, 1]), _priced(sides[key, -1]), tick) for key in contract_ids}


def _priced(levels: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    return [(price, wh) for price, wh, _ in levels]
