"""From what the market keeps to what the API tells."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

import msgspec

from trading.api import shapes
from trading.api.shapes import Side, Status, Stp, Tif
from trading.domain.messages import BUY
from trading.operations import Fill
from trading.operations.replies import OrderState
from trading.queries import BookView, Candles, ContractView, MarketView, PublicEvent, TradeView
from trading.queries.order_pages import OrderRow
from units.interval import from_ms
from units.numbers import rounded_half_up
from units.uuid7 import at_ms_of


def side_name(side: int) -> Side:
    """1 → buy, −1 → sell."""
    return "buy" if side == BUY else "sell"


def stored_order(row: OrderRow, trades: Iterable[TradeView] | None = None) -> shapes.Order:
    """An order as its row has it."""
    order = shapes.Order(
        row.order_id, row.client_order_id, row.participant, row.contract_id, side_name(row.side),
        "market" if row.price is None else "limit", row.price, row.quantity_wh, cast(Tif, row.tif), row.expires_at,
        row.min_quantity_wh, row.display_wh, row.post_only, cast(Stp, row.stp), row.note,
        cast(Status, row.status_name), row.action, row.reason, row.filled_wh, row.remaining_wh,
        _average(row.value_millidong, row.filled_wh), row.revision, row.last_seq, row.created_at, row.updated_at,
    )  # fmt: skip
    if trades is not None:
        order.trades = [trade(each) for each in trades]
    return order


def placed_order(
    wish: shapes.NewOrder, participant: str, tif: Tif, state: OrderState, fills: Iterable[Fill]
) -> shapes.Order:
    """An order just placed, from what was asked and answered: what the database would tell, without asking it."""
    at = from_ms(at_ms_of(state.order_id))
    expires_at = _whole_ms(wish.expires_at)
    order = shapes.Order(
        state.order_id, state.client_order_id, participant, state.contract_id, wish.side,
        wish.type, state.price, state.quantity_wh, tif, expires_at,
        wish.min_quantity_wh, wish.display_wh, wish.post_only, wish.stp, wish.note,
        cast(Status, state.status), state.action, state.reason, state.filled_wh, state.remaining_wh,
        _average(state.value_millidong, state.filled_wh), 1, state.seq, at, at,
    )  # fmt: skip
    order.trades = fills_of(fills, state.seq, at)
    return order


def _whole_ms(moment: datetime | None) -> datetime | None:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000) if moment else None


def _average(value_millidong: int, filled_wh: int) -> int | None:
    return rounded_half_up(value_millidong, filled_wh) if filled_wh else None


def fills_of(fills: Iterable[Fill], seq: int, at: datetime) -> list[shapes.Trade]:
    """The trades that a message made."""
    return [
        shapes.Trade(f.trade_no, f.contract_id, f.price, f.quantity_wh, side_name(f.taker_side), at, seq) for f in fills
    ]


def trade(view: TradeView) -> shapes.Trade:
    """A trade as everybody sees it."""
    return shapes.Trade(
        view.trade_no, view.contract_id, view.price, view.quantity_wh, side_name(view.taker_side), view.at, view.seq
    )


def market(view: MarketView, now: datetime) -> shapes.Market:
    """A market and what its clock shows."""
    return shapes.Market(
        view.code, view.name, view.site_name, view.timezone, view.legal_basis, view.interval_minutes, view.tick,
        view.lot_wh, view.halted, view.last_seq, now,
    )  # fmt: skip


def contract(view: ContractView, of: MarketView) -> shapes.Contract:
    """A contract with what its market adds."""
    return shapes.Contract(
        view.contract_id, of.code, view.name, view.product, view.state, view.delivery_start, view.delivery_end,
        view.gate_opens_at, view.call_until, view.gate_closes_at, of.tick, of.lot_wh, view.min_price, view.max_price,
        view.best_bid, view.best_ask, view.last_price, view.last_at, view.high_price, view.low_price, view.vwap_price,
        view.volume_wh, view.indicative_price, view.indicative_wh,
    )  # fmt: skip


def book(view: BookView) -> shapes.Book:
    """A book to the depth that was read."""
    return msgspec.convert(view, shapes.Book, from_attributes=True)


def candles(view: Candles) -> shapes.Candles:
    """The buckets of a contract."""
    rows: list[shapes.CandleRow] = [[*candle] for candle in view.candles]
    return shapes.Candles(
        view.contract_id, view.minutes, view.counted_from, view.last_trade_no, view.vwap_price, view.volume_wh, rows
    )


def event(view: PublicEvent) -> shapes.Event:
    """An event as everybody sees it."""
    return shapes.Event(view.seq, view.at, view.op, view.book, [trade(each) for each in view.trades])
