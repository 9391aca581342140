"""What goes in and out of the trading API: typed structs that read, check, write and document themselves.

Energy is integer Wh, prices are integer VND/kWh (zero and negative are ordinary), moments RFC 3339 in UTC.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from accounts.api.problems import Fault
from accounts.api.reading import BigInt, Code, Moment, Price, Wh

Side = Literal["buy", "sell"]
Type = Literal["limit", "market"]
Tif = Literal["GTC", "GTD", "IOC", "FOK"]
Stp = Literal["cancel_taker", "cancel_maker", "cancel_both"]
Status = Literal["open", "partially_filled", "filled", "cancelled", "expired"]
ClientOrderId = Annotated[str, Meta(min_length=1, max_length=36, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]
Note = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
Level = Annotated[list[int], Meta(min_length=3, max_length=3)]


class NewOrder(Struct, forbid_unknown_fields=True):
    """An order to place. Without `participant`, for the one the caller trades for; without `client_order_id`, one is
    made and returned. A market order has no price and is IOC unless FOK."""

    contract_id: BigInt
    side: Side
    quantity_wh: Wh
    price: Price | None = None
    type: Type = "limit"
    tif: Tif | None = None
    expires_at: Moment | None = None
    min_quantity_wh: Wh = 0
    display_wh: Wh = 0
    post_only: bool = False
    stp: Stp = "cancel_taker"
    client_order_id: ClientOrderId | None = None
    participant: Code | None = None
    note: Note = ""


class PlaceOrder(NewOrder, tag_field="op", tag="new"):
    """An order to place in a bulk."""


class AmendOrder(Struct, forbid_unknown_fields=True, tag_field="op", tag="amend"):
    """A change of an order in a bulk. `quantity_wh` is the new total, what is filled included."""

    order_id: UUID
    quantity_wh: Wh | None = None
    price: Price | None = None
    revision: BigInt | None = None


class CancelOrder(Struct, forbid_unknown_fields=True, tag_field="op", tag="cancel"):
    """A cancellation in a bulk."""

    order_id: UUID


class Amendment(Struct, forbid_unknown_fields=True):
    """What to change of an order. With `revision`, refused where the order has changed since that revision."""

    quantity_wh: Wh | None = None
    price: Price | None = None
    revision: BigInt | None = None


Message = PlaceOrder | AmendOrder | CancelOrder
RequestId = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
OnError = Literal["skip", "reject_all"]
MAX_BULK = 1_000


class Bulk(Struct, forbid_unknown_fields=True):
    """Up to 1,000 messages, taken in order, each answered on its own. One that is refused does not stop the others
    (`skip`), or undoes them all (`reject_all`; then all are about one market)."""

    messages: Annotated[list[Message], Meta(min_length=1, max_length=MAX_BULK)]
    request_id: RequestId = ""
    on_error: OnError = "skip"


class RawBulk(Struct, forbid_unknown_fields=True):
    """A bulk before its messages are read: one of a wrong shape must not refuse the others."""

    messages: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_BULK)]
    request_id: RequestId = ""
    on_error: OnError = "skip"


class Trade(Struct):
    """A trade as everybody sees it. `seq` is the event that it belongs to."""

    trade_id: int
    contract_id: int
    price: int
    wh: int
    taker_side: Side
    at: datetime
    seq: int


class Order(Struct):
    """An order as it stands. `action` says why it last changed, `reason` why it ended against its owner's wish, `seq`
    is the event of that change. `trades`: by a write, those it made; read alone, all; absent in lists."""

    order_id: UUID
    client_order_id: str
    participant: str
    contract_id: int
    side: Side
    type: Type
    price: int | None
    quantity_wh: int
    tif: Tif
    expires_at: datetime | None
    min_quantity_wh: int
    display_wh: int
    post_only: bool
    stp: Stp
    note: str
    status: Status
    action: str
    reason: str
    filled_wh: int
    remaining_wh: int
    average_price: int | None
    revision: int
    seq: int
    created_at: datetime
    updated_at: datetime
    trades: list[Trade] | UnsetType = UNSET
    duplicate: bool | UnsetType = UNSET


class Result(Struct, omit_defaults=True):
    """What became of one message of a bulk: an order, or an error. `status` is what the single call would answer."""

    status: int
    order: Order | None = None
    error: Fault | None = None


class BulkResult(Struct):
    """The results, in the order of the messages."""

    request_id: str
    results: list[Result]


class Orders(Struct):
    """A page of own orders. `next` is the `before` of the next page, null on the last one."""

    orders: list[Order]
    next: str | None


class Cancelled(Struct):
    """How many orders were cancelled."""

    cancelled: int


class Market(Struct):
    """A market, its rules, and the time that its clock shows. `seq` is its last event."""

    code: str
    name: str
    site: str
    timezone: str
    legal_basis: str
    interval_minutes: int
    tick: int
    lot_wh: int
    halted: bool
    seq: int
    now: datetime


class Markets(Struct):
    """Every market."""

    markets: list[Market]


class Contract(Struct):
    """One delivery interval of a market. Best and indicative prices are of now; null where there is none."""

    contract_id: int
    market: str
    name: str
    product: str
    state: str
    delivery_start: datetime
    delivery_end: datetime
    gate_opens_at: datetime
    call_until: datetime | None
    gate_closes_at: datetime
    tick: int
    lot_wh: int
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


class Contracts(Struct):
    """Contracts in order of delivery."""

    contracts: list[Contract]


class Book(Struct):
    """The visible book at event `seq`: `[price, Wh, orders]`, best first."""

    contract_id: int
    seq: int
    at: datetime | None
    bids: list[Level]
    asks: list[Level]


class Trades(Struct):
    """Trades, the latest first."""

    trades: list[Trade]


CandleRow = Annotated[list[datetime | int], Meta(min_length=7, max_length=7)]


class Candles(Struct):
    """What a contract was traded at: `[opened_at, open, high, low, close, Wh, trades]`, the earliest first, buckets
    without a trade left out. Buckets have `minutes`; one begins at `counted_from`. Trades after `last_trade_id` are not
    in here: go on with those of the channel `trades`. `vwap` and `wh` are of all trades of the contract."""

    contract_id: int
    minutes: int
    counted_from: datetime
    last_trade_id: int | None
    vwap: int | None
    wh: int
    candles: list[CandleRow]


class Snapshot(Struct):
    """A market at event `seq`: contracts in trading, their books, the last trades. Go on with `events?after=seq`."""

    seq: int
    at: datetime | None
    contracts: list[Contract]
    books: list[Book]
    trades: list[Trade]


class Event(Struct):
    """An event of a market. `book` changes levels: `[contract, side (1 buy, -1 sell), price, Wh more, orders more]`."""

    seq: int
    at: datetime
    op: str
    book: list[list[int]]
    trades: list[Trade]


class Events(Struct):
    """Events in order, without a gap. `last_seq` is the market's last; ask again after your last until you have it."""

    last_seq: int
    events: list[Event]
