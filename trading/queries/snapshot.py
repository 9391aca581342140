"""A whole market at one sequence number: what a follower starts from."""

from dataclasses import dataclass
from datetime import datetime

from trading.models import Contract, Market, Order
from trading.queries.book import DEFAULT_DEPTH, BookView, LevelRow, by_side, level_rows
from trading.queries.contracts import TRADING_STATES, ContractView, views
from trading.queries.trades import TradeView, last_trades
from trading.queries.view import one_view

TRADES_KEPT = 50


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State at `seq` as the public may see it: open contracts, their books to a depth, the last trades."""

    seq: int
    at: datetime | None
    contracts: list[ContractView]
    books: dict[int, BookView]
    trades: list[TradeView]


@dataclass(frozen=True, slots=True)
class Mirror:
    """State at `seq` as a follower of the stream keeps it: every visible level, and the last trades."""

    seq: int
    at: datetime | None
    levels: list[LevelRow]
    trades: list[TradeView]


def snapshot(market_id: int, depth: int = DEFAULT_DEPTH) -> Snapshot:
    """The market now, in one view of the database."""
    with one_view():
        market = Market.objects.select_related("site").get(pk=market_id)
        rows = views(market, Contract.objects.filter(market=market_id, state__in=TRADING_STATES))
        sides = by_side(level_rows(market_id, [row.contract_id for row in rows]))
        trades = last_trades(market_id, TRADES_KEPT)
    books = {
        row.contract_id: BookView(
            row.contract_id, market.last_seq, market.last_at,
            sides.get((row.contract_id, Order.Side.BUY), [])[:depth],
            sides.get((row.contract_id, Order.Side.SELL), [])[:depth],
        )
        for row in rows
    }  # fmt: skip
    return Snapshot(market.last_seq, market.last_at, rows, books, trades)


def mirror(market_id: int, trades: int = TRADES_KEPT) -> Mirror:
    """Where a follower starts: all levels of all books in one view of the database."""
    with one_view():
        seq, at = Market.objects.values_list("last_seq", "last_at").get(pk=market_id)
        return Mirror(seq, at, level_rows(market_id), last_trades(market_id, trades))
