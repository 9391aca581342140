"""Own orders: those of the participants that a user acts for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trading.domain.orders import STATUS_NAMES
from trading.models import Market, Order
from trading.queries.view import one_view
from units.interval import to_ms
from units.uuid7 import uuid7_for

OPEN_STATUSES = (Order.Status.OPEN, Order.Status.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order as it stands. Energy in Wh, price in VND/kWh (None: a market order), value of its fills in milli-VND."""

    order_id: UUID
    seq: int
    participant_id: int
    contract_id: int
    client_order_id: str
    side: int
    price: int | None
    tif: str
    quantity_wh: int
    filled_wh: int
    remaining_wh: int
    display_wh: int
    status: str
    action: str
    reason: str
    value_millidong: int
    revision: int
    note: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OwnOrders:
    """Orders, and the sequence number at which they stood so."""

    seq: int
    orders: list[OwnOrder]


def own_orders(
    market_id: int, participant_ids: Collection[int], *, open_only: bool = True, contract_id: int | None = None,
    limit: int = 1_000,
) -> OwnOrders:  # fmt: skip
    """The orders of these participants, the latest first."""
    rows = Order.objects.filter(market=market_id, participant__in=participant_ids).order_by("-seq")
    if open_only:
        rows = rows.filter(status__in=OPEN_STATUSES)
    if contract_id is not None:
        rows = rows.filter(contract=contract_id)
    with one_view():
        seq = Market.objects.values_list("last_seq", flat=True).get(pk=market_id)
        return OwnOrders(seq, [_view(row) for row in rows[:limit]])


def _view(row: Order) -> OwnOrder:
    return OwnOrder(
        uuid7_for(row.market_id, row.seq, to_ms(row.created_at)), row.seq, row.participant_id, row.contract_id,
        row.client_order_id, row.side, row.price, row.tif, row.quantity_wh, row.filled_wh, row.remaining_wh,
        row.display_wh, STATUS_NAMES[row.status], row.action, row.reason, row.value_millidong, row.revision,
        row.note, row.created_at, row.updated_at,
    )  # fmt: skip
