"""Orders, contracts and messages between the engine's integers and the database's rows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from trading.domain.book import Book
from trading.domain.messages import Amend, Cancel, CancelAll, Halt, Message, New, Resume, Time, Uncross
from trading.domain.orders import Order

OPS: dict[type, str] = {
    New: "new",
    Cancel: "cancel",
    Amend: "amend",
    CancelAll: "cancel_all",
    Halt: "halt",
    Resume: "resume",
    Uncross: "uncross",
    Time: "time",
}
MESSAGES: dict[str, type] = {op: kind for kind, op in OPS.items()}

ORDER_COLUMNS = (
    "seq", "contract_id", "participant_id", "client_order_id", "side", "price", "tif", "quantity_wh", "filled_wh",
    "remaining_wh", "display_wh", "shown_wh", "expires_at", "stp", "post_only", "status", "action", "reason",
    "value_millidong", "priority", "revision", "last_seq", "note", "created_at", "updated_at",
)  # fmt: skip

_encode = msgspec.json.encode


def encode_message(message: Message) -> bytes:
    """A message as the log keeps it: its fields in order, as a JSON array."""
    return _encode(message)


def decode_message(op: str, fields: list[Any]) -> Message:
    """The message that the log kept."""
    message: Message = MESSAGES[op](*fields)
    return message


class StoredOrder(NamedTuple):
    """One row of the orders table as the engine needs it, with what the engine does not keep."""

    seq: int
    contract: int
    participant: int
    client_order_id: str
    side: int
    price: int | None
    tif: str
    quantity: int
    filled: int
    remaining: int
    display: int
    shown: int
    expires_at: int
    stp: str
    status: int
    cause: str
    value: int
    priority: int
    revision: int
    owner: int
    post_only: bool
    created_at: int

    @property
    def min_quantity_wh(self) -> int:
        """Asked for on arrival only; whatever rests has passed it."""
        return 0

    def to_engine(self, book: Book, request: New | None = None) -> Order:
        """The order as the engine holds it. Without the request as it came, the row itself tells its terms."""
        key, terms = (self.participant, self.client_order_id), request or self
        order = Order(key, self.owner, book, self.side, self.price, self.quantity, self.display, self.seq, terms)
        order.filled = self.filled
        order.remaining = self.remaining
        order.shown = self.shown
        order.status = self.status
        order.cause = self.cause
        order.value = self.value
        order.queued = self.priority
        return order


STORED_SQL = """
    o.seq, o.contract_id, o.participant_id, o.client_order_id, o.side, o.price, o.tif, o.quantity_wh, o.filled_wh,
    o.remaining_wh, o.display_wh, o.shown_wh,
    coalesce(round(date_part('epoch', o.expires_at) * 1000)::bigint, 0),
    o.stp, o.status, CASE WHEN o.reason <> '' THEN o.reason ELSE o.action END, o.value_millidong, o.priority,
    o.revision, coalesce(p.beneficial_owner_id, o.participant_id), o.post_only,
    round(date_part('epoch', o.created_at) * 1000)::bigint
"""


def stored(row: Mapping[int, Any] | tuple[Any, ...]) -> StoredOrder:
    """A row of `STORED_SQL`."""
    return StoredOrder._make(row)
