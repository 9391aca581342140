"""One contract's book: two sides of price levels, each level a queue in order of arrival.

Keys are signed prices (`side × price`), so the best level of either side is the largest key and a taker of side `s`
with limit `p` may reach every opposite key `≥ −s·p`. A cancelled order stays in its queue as a dead entry
(`remaining == 0`) and is dropped when it comes to the front, or when dead entries outnumber the living: every operation
stays amortised constant, but for the O(log n) search when a level appears or disappears.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator

from trading.domain.errors import SliceTooShort
from trading.domain.messages import BUY, SELL, ContractKey, Party
from trading.domain.orders import Order

COMPACT_FROM = 32
RUNNING, HALTED, FROZEN = range(3)  # how far trading of a contract, or of the market, is stopped


class Level(deque[Order]):
    """The queue at one price; `live` counts the entries that are still open."""

    __slots__ = ("live",)
    live: int


class Side:
    """All levels of one side. `horizon` marks the end of a borrowed slice: (key, priority) of its last order."""

    __slots__ = ("horizon", "keys", "levels")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.horizon: tuple[int, int] | None = None

    def add(self, order: Order, key: int) -> None:
        """Queues an order at the back of its level."""
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            level.live = 0
            insort(self.keys, key)
        level.append(order)
        level.live += 1

    def leave(self, key: int) -> None:
        """Counts out one order that just went dead at this level."""
        level = self.levels[key]
        level.live = live = level.live - 1
        if not live:
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]
        elif len(level) > 2 * live + COMPACT_FROM:
            self._compact(level)

    def drop_filled(self) -> None:
        """Clears away what an auction has filled: the front of the side."""
        while self.keys:
            level = self.levels[self.keys[-1]]
            self._compact(level)
            level.live = len(level)
            if level:
                return
            del self.levels[self.keys.pop()]

    @staticmethod
    def _compact(level: Level) -> None:
        living = [order for order in level if order.remaining]
        level.clear()
        level.extend(living)

    def orders(self) -> Iterator[Order]:
        """The open orders in priority order."""
        for key in reversed(self.keys):
            for order in self.levels[key]:
                if order.remaining:
                    yield order

    def first(self) -> Order | None:
        """The order that a taker would hit first."""
        return next(self.orders(), None)

    def require_first(self, floor: int, contract: ContractKey, side: int) -> None:
        """Raises `SliceTooShort` where the first order that a taker could hit may lie past the borrowed slice."""
        if self.horizon is None or self.horizon[0] < floor:
            return
        first = self.first()
        if first is None or self.beyond(self.keys[-1], first):
            raise SliceTooShort(contract, side)

    def beyond(self, key: int, order: Order) -> bool:
        """Whether this order lies past the end of the borrowed slice, so that others may come before it."""
        if self.horizon is None:
            return False
        last_key, last_priority = self.horizon
        return key < last_key or (key == last_key and order.priority > last_priority)


class Book:
    """A contract's rules of trading and its two sides. Times in ms, prices VND/kWh."""

    __slots__ = (
        "asks", "bids", "call", "call_until", "closed", "contract", "gate_closes_at", "gate_opens_at",
        "max_price", "min_price", "own", "stop",
    )  # fmt: skip

    def __init__(
        self,
        contract: ContractKey,
        gate_opens_at: int,
        gate_closes_at: int,
        min_price: int,
        max_price: int,
        call_until: int = 0,
        call: bool | None = None,
    ) -> None:
        self.contract = contract
        self.gate_opens_at = gate_opens_at
        self.gate_closes_at = gate_closes_at
        self.min_price = min_price
        self.max_price = max_price
        self.call_until = call_until
        self.call = call_until > 0 if call is None else call
        self.closed = False
        self.stop = RUNNING
        self.bids = Side()
        self.asks = Side()
        # During the call only: open orders by beneficial owner, so that own crossing orders are found at entry.
        self.own: dict[Party, dict[int, Order]] = {}

    @property
    def awaits_uncrossing(self) -> bool:
        """A pure call auction uncrosses at its gate: its orders wait for that, though nothing new is taken."""
        return self.call and self.call_until >= self.gate_closes_at

    def side(self, side: int) -> Side:
        """The side on which an order of this side rests."""
        return self.bids if side == BUY else self.asks

    def rest(self, order: Order) -> None:
        """Queues an order at the back of its level."""
        price = order.price
        assert price is not None
        side = order.side
        (self.bids if side == BUY else self.asks).add(order, side * price)
        if self.call:
            self.own.setdefault(order.owner, {})[order.seq] = order

    def remove(self, order: Order) -> None:
        """Takes out an order; it must have been marked dead (`remaining = 0`) before."""
        assert order.price is not None
        side = order.side
        (self.bids if side == BUY else self.asks).leave(side * order.price)
        if self.call:
            self.own[order.owner].pop(order.seq, None)

    def best(self, side: int) -> int | None:
        """The best price of a side, or None where it is empty."""
        keys = self.side(side).keys
        return side * keys[-1] if keys else None

    def depth(self, side: int, levels: int) -> list[tuple[int, int, int]]:
        """The best levels as (price, visible Wh, orders)."""
        queue = self.side(side)
        rows = []
        for key in queue.keys[: -levels - 1 : -1]:
            living = [order for order in queue.levels[key] if order.remaining]
            rows.append((side * key, sum(order.visible for order in living), len(living)))
        return rows

    @property
    def crossed(self) -> bool:
        """Whether the best bid meets the best ask."""
        bid, ask = self.best(BUY), self.best(SELL)
        return bid is not None and ask is not None and bid >= ask
