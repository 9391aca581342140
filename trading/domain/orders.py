"""An order inside the engine, and the states of its life.

    open → partially_filled → filled
      └──────────┴→ cancelled | expired

A closed order has nothing remaining; `remaining == 0` is also how the book knows an entry that is no longer there.
The object is kept small: a market holds hundreds of thousands, and what never changes is read from the request.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trading.domain.book import Book
    from trading.domain.messages import OrderKey, Party

OPEN, PARTIALLY_FILLED, FILLED, CANCELLED, EXPIRED = range(5)
STATUS_NAMES = ("open", "partially_filled", "filled", "cancelled", "expired")

# A priority is (sequence number of the command, running number within it), packed: icebergs that refill during one
# command queue up behind each other, and everything later queues behind them.
PRIORITY_BITS = 20

# What last happened to an order. Where it ended against its owner's wish the cause is also told as the reason.
ADDED = "user_added"
MODIFIED = "user_modified"
USER_CANCELLED = "user_cancelled"
PARTIAL_FILL = "partial_fill"
FULL_FILL = "full_fill"
REFILL = "iceberg_refill"
CAUSES = {
    "ioc_remainder": "system_cancelled",
    "no_liquidity": "system_cancelled",
    "fok_killed": "system_cancelled",
    "min_quantity": "system_cancelled",
    "self_trade": "self_trade",
    "gate_closed": "gate_closed",
    "expired": "expired",
}


class Terms(Protocol):
    """On what terms an order stands: the message that placed it, or a stored row that tells as much."""

    @property
    def side(self) -> int: ...
    @property
    def tif(self) -> str: ...
    @property
    def expires_at(self) -> int: ...
    @property
    def post_only(self) -> bool: ...
    @property
    def stp(self) -> str: ...
    @property
    def min_quantity_wh(self) -> int: ...


class Order:
    """The mutable state of one order; `owner` is the beneficial owner of its participant.

    `cause` is what last happened: an action, or one of `CAUSES`. `queued` is its priority where it is not that of its
    arrival. `value` is Σ fill price × fill quantity in milli-VND.
    """

    __slots__ = (
        "book", "cause", "display", "filled", "key", "owner", "price", "quantity", "queued", "remaining", "request",
        "seq", "shown", "side", "status", "value",
    )  # fmt: skip

    def __init__(
        self, key: "OrderKey", owner: "Party", book: "Book", side: int, price: int | None, quantity: int, display: int,
        seq: int, request: Terms,
    ) -> None:  # fmt: skip
        self.key = key
        self.owner = owner
        self.book = book
        self.side = side
        self.price = price
        self.quantity = self.remaining = quantity
        self.display = self.shown = display
        self.seq = seq
        self.request = request
        self.filled = self.value = self.queued = self.status = 0
        self.cause = ADDED

    begin = __init__

    @property
    def priority(self) -> int:
        """The place in the queue of its price: smaller comes first."""
        return self.queued or self.seq << PRIORITY_BITS

    @property
    def action(self) -> str:
        """What last happened, in the API's words."""
        return CAUSES.get(self.cause, self.cause)

    @property
    def reason(self) -> str:
        """Why the order ended without being filled or cancelled by its owner, or nothing."""
        return self.cause if self.cause in CAUSES else ""

    @property
    def visible(self) -> int:
        """What the public book shows of this order, in Wh."""
        return min(self.shown, self.remaining) if self.display else self.remaining

    def moved(self, seq: int, price: int | None, quantity: int) -> "Order":
        """The same order after an amendment that costs it its place: a new entry at the back of a queue."""
        order = Order(self.key, self.owner, self.book, self.side, price, quantity, self.display, self.seq, self.request)
        order.filled = self.filled
        order.remaining = quantity - self.filled
        order.shown = min(self.display, order.remaining)
        order.status = self.status
        order.value = self.value
        order.queued = seq << PRIORITY_BITS
        order.cause = MODIFIED
        return order
