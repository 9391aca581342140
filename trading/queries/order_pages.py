"""Orders as their owners read them: by id, page by page, and with their trades.

An order is known outside by an id that leads back to (market, sequence number); both readings here use that key.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from trading.domain.orders import STATUS_NAMES
from trading.models import Order, Trade
from trading.queries.trades import TradeView
from units.interval import to_ms
from units.uuid7 import uuid7_for

OrderKey = tuple[int, int]  # market, seq
MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order with all its terms as it stands. Energy in Wh, price in VND/kWh (None: a market order)."""

    market_id: int
    seq: int
    contract_id: int
    participant_id: int
    participant: str
    client_order_id: str
    side: int
    price: int | None
    tif: str
    expires_at: datetime | None
    quantity_wh: int
    filled_wh: int
    remaining_wh: int
    min_quantity_wh: int
    display_wh: int
    post_only: bool
    stp: str
    status: int
    action: str
    reason: str
    value_millidong: int
    revision: int
    last_seq: int
    note: str
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> OrderKey:
        """(market, seq)."""
        return self.market_id, self.seq

    @property
    def order_id(self) -> UUID:
        """The id by which the order is known outside."""
        return uuid7_for(self.market_id, self.seq, to_ms(self.created_at))

    @property
    def status_name(self) -> str:
        """The status in the API's words."""
        return STATUS_NAMES[self.status]


# The order's row keeps what changes; its minimum quantity matters only on entry and stands in the log alone.
_MIN_QUANTITY = RawSQL(
    "SELECT (c.message->>11)::bigint FROM trading_command c"
    " WHERE c.market_id = trading_order.market_id AND c.seq = trading_order.seq",
    (),
)
_FIELDS = tuple(OrderRow.__dataclass_fields__)


def orders_by_key(keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRow]:
    """These orders, of whatever owner; who may see them is the caller's question."""
    wanted = Q()
    by_market: dict[int, list[int]] = defaultdict(list)
    for market, seq in keys:
        by_market[market].append(seq)
    if not by_market:
        return {}
    for market, seqs in by_market.items():
        wanted |= Q(market=market, seq__in=seqs)
    return {row.key: row for row in _rows(Order.objects.filter(wanted))}


def order_page(
    participant_ids: Collection[int] | None, *, statuses: Sequence[int] = (), contract_id: int | None = None,
    client_order_id: str | None = None, before: OrderKey | None = None, limit: int = 100,
) -> list[OrderRow]:  # fmt: skip
    """At most `limit` orders (up to 500), the latest first within a market; None: of everybody.

    `before` is the key of the last order of the page before.
    """
    rows = Order.objects.all() if participant_ids is None else Order.objects.filter(participant__in=participant_ids)
    if statuses:
        rows = rows.filter(status__in=statuses)
    if contract_id is not None:
        rows = rows.filter(contract=contract_id)
    if client_order_id is not None:
        rows = rows.filter(client_order_id=client_order_id)
    if before is not None:
        rows = rows.filter(Q(market__lt=before[0]) | Q(market=before[0], seq__lt=before[1]))
    return _rows(rows.order_by("-market_id", "-seq")[: min(limit, MAX_PAGE)])


def _rows(rows: QuerySet[Order]) -> list[OrderRow]:
    told: dict[str, Any] = {"participant_code": "participant__code"}
    fields = [told.get(f"{name}_code", name) for name in _FIELDS]
    found = rows.annotate(min_quantity_wh=_MIN_QUANTITY).values_list(*fields)
    return [OrderRow(*row) for row in found]


def trades_of_orders(rows: Iterable[OrderRow]) -> dict[OrderKey, list[TradeView]]:
    """The trades of each of these orders, the first first."""
    filled = {row.key: row for row in rows if row.filled_wh}
    trades: dict[OrderKey, list[TradeView]] = defaultdict(list)
    if not filled:
        return trades
    seqs = [seq for _, seq in filled]
    contracts = {row.contract_id for row in filled.values()}
    found = Trade.objects.filter(Q(buy_seq__in=seqs) | Q(sell_seq__in=seqs), contract__in=contracts)
    fields = ("trade_no", "contract_id", "price", "quantity_wh", "taker_side", "at", "seq")
    for market, buy, sell, *rest in found.order_by("trade_no").values_list("market_id", "buy_seq", "sell_seq", *fields):
        for key in ((market, buy), (market, sell)):
            if key in filled:
                trades[key].append(TradeView(*rest))
    return trades
