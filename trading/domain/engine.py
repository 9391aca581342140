"""The matching core of one market: a pure function of (state, message, moment).

No clock, no randomness, no I/O: the same messages give the same trades, priorities and sequence numbers, so the log
alone is the market. `Engine.apply` takes one message and returns what became of it: the `Order` it made or changed, a
`Rejected`, a `Duplicate`, or a `Done`. What traded is in `engine.trades`, and orders that left the book otherwise
(self-trade prevention, expiry, cancel-all) are in `engine.removed`; both are of the last message alone.

The engine runs on a whole market (replay) or on a borrowed slice of it (the database path): where a taker would go past
the end of a slice it raises `SliceTooShort`, and the caller runs the batch again with more.

Example: asks 1,650 × 20 kWh and 1,700 × 12 kWh rest; a buy of 25 kWh at 1,700 takes 20 at 1,650 and 5 at 1,700.
"""

from collections.abc import Callable, Iterable
from typing import Any

from trading.domain.answers import Answer, Done, Duplicate
from trading.domain.book import FROZEN, Book, Side
from trading.domain.checks import Rules, refuse_new, refuse_price, refuse_quantity
from trading.domain.deadlines import NEVER
from trading.domain.errors import Rejected
from trading.domain.matching import Limits
from trading.domain.messages import (
    BUY,
    CANCEL_TAKER,
    FOK,
    GTC,
    IOC,
    SELL,
    Amend,
    Cancel,
    CancelAll,
    Halt,
    Message,
    New,
    OrderKey,
    Party,
    Resume,
    Time,
    Uncross,
)  # fmt: skip
from trading.domain.orders import CANCELLED, FILLED, MODIFIED, USER_CANCELLED, Order, Terms
from trading.domain.phases import Phases

_ANY_PRICE = -NEVER
_blank = object.__new__  # Order(…) in two steps is a fifth cheaper: the interpreter calls begin() without a detour


class Engine(Phases):
    """The state of one market and the one way to change it."""

    def __init__(
        self,
        rules: Rules,
        books: Iterable[Book],
        *,
        owners: dict[Party, Party] | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(rules, books, limits)
        self._tick, self._lot_wh, self._min_wh, self._max_wh = rules
        self.owners = owners or {}
        self.orders: dict[OrderKey, Order] = {}
        self._keys_of: dict[Party, list[OrderKey]] | None = None  # built when the first cancel-all asks for it
        self._take: dict[type, Callable[[Any], Answer]] = {
            Cancel: self._cancel,
            Amend: self._amend,
            CancelAll: self._cancel_all,
            Halt: self._halt,
            Resume: self._resume,
            Uncross: self._uncross,
            Time: self._time,
        }

    def apply(self, message: Message, at: int | None = None) -> Answer:
        """Takes one message at a moment (ms; None: no time has passed) and returns what became of it."""
        if self.trades:
            self.trades = []
        if self.removed:
            self.removed = []
        if at is not None and at > self.now:
            self.now = at
        if self.now >= self._next_due:
            self._pass_time()
        return self._new(message) if isinstance(message, New) else self._take[type(message)](message)

    def restore(self, order: Order, *, resting: bool) -> None:
        """Puts an order that is known from before back into the state; resting ones must come in priority order."""
        self.orders[order.key] = order
        if resting:
            order.book.rest(order)
            self._watch_expiry(order)

    # Placing

    def _new(self, message: New) -> Answer:
        """Places an order. What is ordinary, a limit order with nothing wrong or special, is placed right here.

        This is the hottest method of the product, hence its length; everything else goes by `_new_with_care`.
        """
        (
            participant, client_order_id, contract, side, quantity, price,
            tif, expires_at, post_only, stp, display, least,
        ) = message  # fmt: skip
        key = (participant, client_order_id)
        book = self.books.get(contract)
        now = self.now
        if (
            book is None
            or display or least or post_only or expires_at or tif != GTC or stp != CANCEL_TAKER or book.call
            or price is None
            or self.stop
            or book.stop
            or now < book.gate_opens_at
            or now >= book.gate_closes_at
            or price % self._tick
            or price < book.min_price
            or price > book.max_price
            or quantity % self._lot_wh
            or quantity < self._min_wh
            or quantity > self._max_wh
        ):  # fmt: skip
            return self._new_with_care(message, key)
        if side == BUY:
            own, opposite = book.bids, book.asks
        elif side == SELL:
            own, opposite = book.asks, book.bids
        else:
            return self._new_with_care(message, key)
        rank = side * price
        if opposite.horizon is not None:
            opposite.require_first(-rank, contract, -side)
        limits = self.limits
        if limits is not None:
            known = self.orders.get(key)
            if known is not None:
                return _repeat(known, message)
            refused = limits.refusal(participant, book, side, quantity, price)
            if refused is not None:
                return refused
        owner = self.owners.get(participant, participant) if self.owners else participant
        order = _blank(Order)
        order.begin(key, owner, book, side, price, quantity, 0, self.seq + 1, message)
        known = self.orders.setdefault(key, order)
        if known is not order:
            return _repeat(known, message)
        self.seq += 1
        if limits is not None:
            limits.enter(order)
        if self._keys_of is not None:
            self._keys_of.setdefault(participant, []).append(key)
        keys = opposite.keys
        if keys and keys[-1] >= -rank:
            self._match(order, opposite, -rank)
            if not order.remaining:
                return order
        level = own.levels.get(rank)
        if level is None:
            own.add(order, rank)
        else:
            level.append(order)
            level.live += 1
        return order

    def _new_with_care(self, message: New, key: OrderKey) -> Answer:
        known = self.orders.get(key)
        if known is not None:
            return _repeat(known, message)
        book = self.books.get(message.contract)
        if book is None:
            return Rejected("unknown_contract")
        refused = refuse_new(message, book, self.rules, now=self.now, halted=self._is_stopped(book))
        if refused is not None:
            return refused
        side, quantity, price = message.side, message.quantity_wh, message.price
        opposite = book.asks if side == BUY else book.bids
        floor = _ANY_PRICE if price is None else -side * price
        refused = self._refuse_crossing(message, opposite, floor, book)
        if refused is None and self.limits is not None:
            refused = self.limits.refusal(key[0], book, side, quantity, price)
        if refused is not None:
            return refused
        self.seq += 1
        owner = self.owners.get(key[0], key[0])
        order = Order(key, owner, book, side, price, quantity, message.display_wh, self.seq, message)
        self.orders[key] = order
        if self._keys_of is not None:
            self._keys_of.setdefault(key[0], []).append(key)
        if self.limits is not None:
            self.limits.enter(order)
        self._enter(order, opposite, floor)
        return order

    def _refuse_crossing(self, request: Terms, opposite: Side, floor: int, book: Book) -> Rejected | None:
        """Whether an order is post-only and would trade at once. Raises `SliceTooShort` where that is not known."""
        if book.call:
            return None
        opposite.require_first(floor, book.contract, -request.side)
        if request.post_only and opposite.keys and opposite.keys[-1] >= floor:
            return Rejected("post_only_would_cross", -request.side * opposite.keys[-1])
        return None

    def _enter(self, order: Order, opposite: Side, floor: int) -> None:
        """An order with terms of its own, or one in the call, meets the book."""
        request, book = order.request, order.book
        need = order.quantity if request.tif == FOK else request.min_quantity_wh
        if need and not self._enough(order, opposite, floor, need):
            return
        if book.call:
            if not self._prevent_self_trade_in_call(order, opposite, floor):
                return
        else:
            self._match(order, opposite, floor)
        if not order.remaining:
            return
        if order.price is None:
            self._close(order, CANCELLED, "no_liquidity")
        elif request.tif == IOC:
            self._close(order, CANCELLED, "ioc_remainder")
        else:
            self._rest(order)

    def _rest(self, order: Order) -> None:
        """What remains of an order waits in the book."""
        order.shown = min(order.display, order.remaining)
        order.book.rest(order)
        self._watch_expiry(order)

    def _cancel(self, message: Cancel) -> Answer:
        order = self.orders.get(message)  # a Cancel has the two fields of an OrderKey, so it finds the order as it is
        if order is None:
            return Rejected("unknown_order")
        book = order.book
        if not order.remaining or self.now >= book.gate_closes_at:
            return self._refuse_change(order) or Rejected("order_not_open")
        if self.stop == FROZEN or book.stop == FROZEN:
            return Rejected("frozen")
        self.seq += 1
        self._close(order, CANCELLED, USER_CANCELLED)
        book.remove(order)
        return order

    def _refuse_change(self, order: Order) -> Rejected | None:
        """Past the gate every order is dead, whether or not the gate's closing has been written down yet."""
        past_gate = self.now >= order.book.gate_closes_at
        if past_gate and order.remaining and order.book.awaits_uncrossing:
            return Rejected("gate_closed")
        return Rejected("order_not_open") if past_gate or not order.remaining else None

    def _cancel_all(self, message: CancelAll) -> Answer:
        if message.contract is not None and message.contract not in self.books:
            return Rejected("unknown_contract")
        mine = [
            order for order in self._open_orders(message.participant) if message.contract in (None, order.book.contract)
        ]
        if not mine:
            return Done()
        mine = [order for order in mine if self.stop != FROZEN and order.book.stop != FROZEN]
        if not mine:
            return Rejected("frozen")
        self.seq += 1
        for order in mine:
            self._withdraw(order, CANCELLED, USER_CANCELLED)
        return Done(len(mine))

    def _open_orders(self, participant: Party) -> list[Order]:
        """A participant's orders that can still be cancelled, in order of placing."""
        if self._keys_of is None:
            self._keys_of = {}
            for key in self.orders:
                self._keys_of.setdefault(key[0], []).append(key)
        orders = [self.orders[key] for key in self._keys_of.get(participant, ())]
        orders = [order for order in orders if order.remaining]
        self._keys_of[participant] = [order.key for order in orders]
        return [order for order in orders if self.now < order.book.gate_closes_at]

    # Amending

    def _amend(self, message: Amend) -> Answer:
        order = self.orders.get((message.participant, message.client_order_id))
        if order is None:
            return Rejected("unknown_order")
        if message.quantity_wh is None and message.price is None:
            return Rejected("nothing_to_amend")
        quantity = order.quantity if message.quantity_wh is None else message.quantity_wh
        price = order.price if message.price is None else message.price
        refused = (
            self._refuse_change(order)
            or (Rejected("halted") if self._is_stopped(order.book) else None)
            or refuse_price(price, order.book, self.rules)
            or refuse_quantity(quantity, self.rules)
        )
        if refused is not None:
            return refused
        if quantity <= order.filled:
            return self._amend_to_filled(order)
        if price == order.price and quantity <= order.quantity:
            return self._amend_in_place(order, quantity)
        return self._amend_and_requeue(order, price, quantity)

    def _amend_to_filled(self, order: Order) -> Order:
        """No more than what is filled is wanted: the fills stand and the order is complete."""
        self.seq += 1
        self._close(order, FILLED, MODIFIED)
        order.quantity = order.filled
        order.book.remove(order)
        return order

    def _amend_in_place(self, order: Order, quantity: int) -> Order:
        """Less of the same: the order keeps its place."""
        self.seq += 1
        if self.limits is not None:
            self.limits.leave(order, order.quantity - quantity)
        order.remaining -= order.quantity - quantity
        order.quantity = quantity
        order.shown = min(order.shown, order.remaining)
        order.cause = MODIFIED
        return order

    def _amend_and_requeue(self, order: Order, price: int | None, quantity: int) -> Answer:
        """Another price or more: the order loses its place and is matched again like a new one."""
        side, book = order.side, order.book
        assert price is not None and order.price is not None
        opposite = book.asks if side == BUY else book.bids
        floor = -side * price
        refused = self._refuse_crossing(order.request, opposite, floor, book)
        if refused is not None:
            return refused
        refused = self._refuse_amended(order, price, quantity)
        if refused is not None:
            return refused
        self.seq += 1
        fresh = order.moved(self.seq, price, quantity)
        order.remaining = 0
        book.remove(order)
        self.orders[order.key] = fresh
        if self.limits is not None:
            self.limits.enter(fresh)
        if book.call:
            if not self._prevent_self_trade_in_call(fresh, opposite, floor):
                return fresh
        else:
            self._match(fresh, opposite, floor)
        if fresh.remaining:
            self._rest(fresh)
        return fresh

    def _refuse_amended(self, order: Order, price: int, quantity: int) -> Rejected | None:
        """Asks the limits with the order's present share given back; gives it back for good only if they agree."""
        if self.limits is None:
            return None
        self.limits.leave(order, order.remaining)
        refused = self.limits.refusal(order.key[0], order.book, order.side, quantity - order.filled, price)
        if refused is not None:
            self.limits.enter(order)
        return refused


def _repeat(known: Order, message: New) -> Duplicate | Rejected:
    """The answer to a message whose id is taken."""
    return Duplicate(known) if known.request == message else Rejected("client_order_id_reused")
