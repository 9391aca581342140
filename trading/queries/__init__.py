"""What is agreed and on offer: every read of markets, contracts, books, trades, events and own orders.

Plain dataclasses come out. Whatever carries a sequence number was read in one snapshot of the database, so that it can
be joined to the event stream.
"""

from trading.queries.book import BookView, book, indicative
from trading.queries.candles import MOST_CANDLES, Candle, Candles, candles
from trading.queries.contracts import ContractView, contract, contracts, contracts_by_id
from trading.queries.events import OwnEvent, PublicEvent, events, own_events, public_events
from trading.queries.markets import (
    MarketView,
    ParticipantView,
    default_market,
    last_seq,
    market_by_code,
    market_by_id,
    market_now,
    markets,
    own_participants,
)
from trading.queries.orders import OwnOrder, OwnOrders, own_orders
from trading.queries.positions import BlotterFilter, order_list, position_list, positions, trade_list
from trading.queries.prices import IntervalPrice, day_prices
from trading.queries.snapshot import Mirror, Snapshot, mirror, snapshot
from trading.queries.trades import TradeView, last_trades

__all__ = [
    "MOST_CANDLES",
    "BlotterFilter",
    "BookView",
    "Candle",
    "Candles",
    "ContractView",
    "IntervalPrice",
    "MarketView",
    "Mirror",
    "OwnEvent",
    "OwnOrder",
    "OwnOrders",
    "ParticipantView",
    "PublicEvent",
    "Snapshot",
    "TradeView",
    "book",
    "candles",
    "contract",
    "contracts",
    "contracts_by_id",
    "day_prices",
    "default_market",
    "events",
    "indicative",
    "last_seq",
    "last_trades",
    "market_by_code",
    "market_by_id",
    "market_now",
    "markets",
    "mirror",
    "order_list",
    "own_events",
    "own_orders",
    "own_participants",
    "position_list",
    "positions",
    "public_events",
    "snapshot",
    "trade_list",
]
