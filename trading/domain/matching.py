"""How orders meet: the taker's walk through the opposite side, fill-or-kill, self-trade prevention, one-price fills.

`Matcher` is the part of the engine that moves quantity between orders; which message leads to what is the engine's.
"""

from typing import NamedTuple, Protocol

from trading.domain.book import Book, Level, Side
from trading.domain.errors import Rejected, SliceTooShort
from trading.domain.messages import CANCEL_MAKER, CANCEL_TAKER, FOK, Party
from trading.domain.orders import (
    CANCELLED,
    FILLED,
    FULL_FILL,
    PARTIAL_FILL,
    PARTIALLY_FILLED,
    PRIORITY_BITS,
    REFILL,
    Order,
)


class Trade(NamedTuple):
    """A fill at the maker's price, or at the uncrossing price."""

    maker: Order
    taker: Order
    price: int
    quantity_wh: int


_as_trade = tuple.__new__  # half the cost of Trade(…), in the innermost loop


class Limits(Protocol):
    """What participants may buy (credit) and deliver (energy); asked and told by the engine as orders come and go."""

    def refusal(self, party: Party, book: Book, side: int, wh: int, price: int | None) -> Rejected | None:
        """Why this much more on this side is not allowed, or None."""

    def enter(self, order: Order) -> None:
        """The remaining quantity of this order is now on offer."""

    def fill(self, order: Order, wh: int, price: int) -> None:
        """So much of what was on offer has traded."""

    def leave(self, order: Order, wh: int) -> None:
        """So much is no longer on offer, untraded."""


class Matcher:
    """What traded and what left, of one message; `seq` is its sequence number."""

    def __init__(self, limits: Limits | None) -> None:
        self.limits = limits
        self.seq = 0
        self.trades: list[Trade] = []
        self.removed: list[Order] = []
        self._refills = 0  # how many clips were shown during the message `_refilled_in`
        self._refilled_in = 0

    def _match(self, taker: Order, opposite: Side, floor: int) -> None:
        """Hits the opposite side in priority order while the price allows and something remains."""
        keys, levels = opposite.keys, opposite.levels
        cut = opposite.horizon is not None
        limits, trades, side, owner = self.limits, self.trades, taker.side, taker.owner
        before = wanted = taker.remaining
        value = 0
        stopped = False
        while wanted and keys and keys[-1] >= floor:
            key = keys[-1]
            price = -side * key
            level = levels[key]
            while level.live and wanted:
                maker = level[0]
                left = maker.remaining
                if not left:
                    level.popleft()
                    continue
                if cut and opposite.beyond(key, maker):
                    raise SliceTooShort(taker.book.contract, -side)
                if maker.owner == owner:
                    taker.remaining = wanted
                    stopped = self._self_trade(taker, maker)
                    if stopped:
                        before, wanted = before - wanted, 0
                    continue
                wh = maker.shown or left
                if wh > wanted:
                    wh = wanted
                wanted -= wh
                value += wh * price
                maker.remaining = left = left - wh
                maker.filled += wh
                maker.value += wh * price
                trades.append(_as_trade(Trade, (maker, taker, price, wh)))
                if limits is not None:
                    limits.fill(maker, wh, price)
                    limits.fill(taker, wh, price)
                if not left:
                    maker.status = FILLED
                    maker.cause = FULL_FILL
                    level.popleft()
                    level.live -= 1
                else:
                    maker.status = PARTIALLY_FILLED
                    maker.cause = PARTIAL_FILL
                    if maker.shown:
                        self._show_next_clip(maker, level, wh)
            if not level.live and levels.pop(key, None) is not None:
                keys.pop()
        taker.filled += before - wanted
        taker.value += value
        if stopped:
            return
        taker.remaining = wanted
        if trades:
            taker.status = PARTIALLY_FILLED if wanted else FILLED
            taker.cause = PARTIAL_FILL if wanted else FULL_FILL
        if wanted and cut:
            self._need_more_beyond(taker, opposite, floor)

    @staticmethod
    def _need_more_beyond(taker: Order, opposite: Side, floor: int) -> None:
        """The slice is used up while its horizon lies within the taker's limit: others may come behind it."""
        assert opposite.horizon is not None
        if opposite.horizon[0] >= floor:
            raise SliceTooShort(taker.book.contract, -taker.side)

    def _show_next_clip(self, maker: Order, level: Level, wh: int) -> None:
        """A used-up clip of an iceberg is followed by the next one, at the back of its level."""
        maker.shown -= wh
        if maker.shown:
            return
        maker.shown = min(maker.display, maker.remaining)
        if self._refilled_in != self.seq:
            self._refilled_in, self._refills = self.seq, 0
        self._refills += 1
        maker.queued = (self.seq << PRIORITY_BITS) + self._refills
        maker.cause = REFILL
        level.append(level.popleft())

    def _self_trade(self, taker: Order, maker: Order) -> bool:
        """An own order was reached; the taker's rule decides. True: the taker is done."""
        if taker.request.stp != CANCEL_TAKER:
            self._withdraw(maker, CANCELLED, "self_trade")
        if taker.request.stp == CANCEL_MAKER:
            return False
        self._close(taker, CANCELLED, "self_trade")
        return True

    def _enough(self, order: Order, opposite: Side, floor: int, need: int) -> bool:
        """Whether at least `need` Wh would trade at once; if not, the order is killed and nothing else has changed."""
        found, own = self._liquidity(order, opposite, floor, need)
        if found >= need:
            return True
        self._close(
            order, CANCELLED, "self_trade" if own else "fok_killed" if order.request.tif == FOK else "min_quantity"
        )
        return False

    def _liquidity(self, order: Order, opposite: Side, floor: int, need: int) -> tuple[int, bool]:
        """(Wh that can be reached, whether an own order stands in the way of more).

        An own order at a level is reached after one clip of each iceberg before it, since refills queue up behind it.
        """
        total = 0
        for key in reversed(opposite.keys):
            if key < floor:
                return total, False
            clips = whole = 0
            for maker in opposite.levels[key]:
                if not maker.remaining:
                    continue
                if opposite.horizon is not None and opposite.beyond(key, maker):
                    raise SliceTooShort(order.book.contract, -order.side)
                if maker.owner == order.owner:
                    if order.request.stp == CANCEL_MAKER:
                        continue
                    return total + clips, True
                clips += maker.visible
                whole += maker.remaining
                if total + clips >= need:
                    return total + clips, False
            total += whole
            if total >= need:
                return total, False
        if opposite.horizon is not None:
            self._need_more_beyond(order, opposite, floor)
        return total, False

    def _prevent_self_trade_in_call(self, order: Order, opposite: Side, floor: int) -> bool:
        """In the call an order acts on own crossing orders as if it had reached them. False: it did not survive."""
        own = order.book.own.get(order.owner)
        if not own:
            return True
        reached = [o for o in own.values() if o.side == -order.side and o.side * (o.price or 0) >= floor]
        return not any(self._self_trade(order, maker) for maker in sorted(reached, key=_queue_order))

    # Leaving the book

    def _close(self, order: Order, status: int, cause: str) -> None:
        """Ends an order that is not (or no longer) in the book."""
        if self.limits is not None and order.remaining:
            self.limits.leave(order, order.remaining)
        order.remaining = 0
        order.status = status
        order.cause = cause

    def _withdraw(self, order: Order, status: int, cause: str) -> None:
        """Takes a resting order out of the book and ends it."""
        self._close(order, status, cause)
        order.book.remove(order)
        self.removed.append(order)

    def _fill_at_one_price(self, book: Book, price: int, volume: int) -> None:
        """Fills both sides by price, then arrival, up to the volume; in each trade the later order is the taker."""
        bought = iter(self._allot(book.bids, price, volume))
        sold = iter(self._allot(book.asks, price, volume))
        bid = ask = None
        bid_wh = ask_wh = 0
        while volume:
            if not bid_wh:
                bid, bid_wh = next(bought)
            if not ask_wh:
                ask, ask_wh = next(sold)
            assert bid is not None and ask is not None
            wh = bid_wh if bid_wh < ask_wh else ask_wh
            bid_wh -= wh
            ask_wh -= wh
            volume -= wh
            pair = (ask, bid, price, wh) if ask.priority < bid.priority else (bid, ask, price, wh)
            self.trades.append(_as_trade(Trade, pair))

    def _allot(self, side: Side, price: int, volume: int) -> list[tuple[Order, int]]:
        """Fills the first orders of a side with the volume, and says how much each of them got."""
        shares = []
        for order in side.orders():
            left = order.remaining
            wh = left if left < volume else volume
            volume -= wh
            shares.append((order, wh))
            order.remaining = left = left - wh
            order.filled += wh
            order.value += wh * price
            if order.display:
                order.shown = min(order.display, left)
            order.status, order.cause = (PARTIALLY_FILLED, PARTIAL_FILL) if left else (FILLED, FULL_FILL)
            if self.limits is not None:
                self.limits.fill(order, wh, price)
            if not volume:
                break
        side.drop_filled()
        return shares


def _queue_order(order: Order) -> tuple[int, int]:
    """Best price first, then arrival."""
    return -order.side * (order.price or 0), order.priority
