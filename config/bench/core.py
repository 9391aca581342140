"""How many messages a second the matching core takes, next to the least a book can do.

One contract, one process, messages made beforehand: 70 % new orders near the middle, 20 % cancellations, 10 % orders
that cross. The baseline knows limit orders and cancellations only: no rules to check, no owners, no time in force, no
self-trade prevention, no states. Both make the same trades, which is checked before anything is timed.
"""

import gc
import random
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.engine import Engine
from trading.domain.messages import BUY, SELL, Cancel, New

TITLE = "Matching core: mixed messages a second, next to a minimal price-level book"

MESSAGES = 200_000
SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 7
SEED = 20_261_121
CONTRACT = "K1"
GATE_MS = 10**12

Messages = Sequence[New | Cancel]
Fill = tuple[tuple[Any, str], tuple[Any, str], int, int]  # maker, taker, price, Wh


def run() -> dict[str, Any]:
    """Measures core and baseline in turns and reports the best of each: other work on the machine only ever slows."""
    stream = messages(MESSAGES)
    trades = require_same_trades(stream)
    core, baseline = rates(stream, ROUNDS)
    growth = {str(size): rates(messages(size), 5 if size < MESSAGES else 2) for size in SIZES}
    return {
        "name": "core",
        "value": round(core),
        "unit": "messages/s",
        "baseline": round(baseline),
        "ratio": round(core / baseline, 3),
        "conditions": {
            "messages": MESSAGES,
            "mix": "70 % new near the middle, 20 % cancel, 10 % crossing",
            "trades": trades,
            "rounds": ROUNDS,
            "messages_per_s_by_size": {size: round(both[0]) for size, both in growth.items()},
            "baseline_by_size": {size: round(both[1]) for size, both in growth.items()},
            "garbage_collector": "off in both while timed: neither makes cycles",
            "baseline": "price-level book with limit and cancel only, same messages, same trades",
        },
    }


def messages(count: int) -> list[New | Cancel]:
    """A seeded stream. Buyers and sellers are different people, since the baseline knows no self-trade prevention."""
    chance = random.Random(SEED)
    middle = 1_650
    stream: list[New | Cancel] = []
    placed: list[tuple[Any, str]] = []
    for number in range(count):
        if number % 100 == 0:
            middle = min(max(middle + chance.randint(-3, 3), 1_000), 2_300)
        kind = chance.random()
        if kind < 0.2 and placed:
            stream.append(Cancel(*placed[chance.randrange(max(0, len(placed) - 2_000), len(placed))]))
            continue
        order = _order(chance, f"o{number}", middle, crossing=kind > 0.9)
        placed.append((order.participant, order.client_order_id))
        stream.append(order)
    return stream


def _order(chance: random.Random, name: str, middle: int, *, crossing: bool) -> New:
    side = chance.choice((BUY, SELL))
    away = -chance.randint(5, 30) if crossing else chance.randint(1, 40)
    quantity = chance.randint(10, 80) * 100 if crossing else chance.randint(1, 20) * 100
    participant = f"{'buyer' if side == BUY else 'seller'}{chance.randrange(500)}"
    return New(participant, name, CONTRACT, side, quantity, middle - side * away)


def engine() -> Engine:
    """A continuous market of one contract."""
    return Engine(Rules(), [Book(CONTRACT, 0, GATE_MS, -500, 9_999)])


class MinimalBook:
    """The least that is a book: queues by price, sorted prices so that the best is known, every order found by its id.

    An order is [key, side, signed price, Wh left], a level [queue, how many of it are alive]. As in the core, prices
    are signed so that the best is the last, and a cancelled order stays in its queue, dead, until it is at the front.
    """

    def __init__(self) -> None:
        self.orders: dict[tuple[Any, str], list[Any]] = {}
        self.levels: tuple[dict[int, list[Any]], dict[int, list[Any]]] = ({}, {})  # asks, bids
        self.prices: tuple[list[int], list[int]] = ([], [])
        self.trades: list[Fill] = []

    def apply(self, message: New | Cancel) -> list[Any] | None:
        """Takes one limit order or cancellation; returns the order, or None where there is none to cancel."""
        if type(message) is New:
            return self._limit(message)
        return self._cancel((message.participant, message.client_order_id))

    def _limit(self, message: tuple[Any, ...]) -> list[Any]:
        participant, name, _, side, wanted, price, *_ = message
        key = (participant, name)
        opposite = self.prices[side == SELL]
        if opposite and opposite[-1] >= -side * price:
            wanted = self._match(key, side, wanted, price)
        order = self.orders[key] = [key, side, side * price, wanted]
        if wanted:
            self._rest(order, side == BUY)
        return order

    def _match(self, key: tuple[Any, str], side: int, wanted: int, price: int) -> int:
        prices, levels, floor = self.prices[side == SELL], self.levels[side == SELL], -side * price
        while wanted and prices and prices[-1] >= floor:
            best = prices[-1]
            level = levels[best]
            queue = level[0]
            while level[1] and wanted:
                maker = queue[0]
                left = maker[3]
                if left:
                    wh = left if left < wanted else wanted
                    self.trades.append((maker[0], key, -side * best, wh))
                    maker[3] = left = left - wh
                    wanted -= wh
                    if left:
                        break
                    level[1] -= 1
                queue.popleft()
            if not level[1]:
                prices.pop()
                del levels[best]
        return wanted

    def _rest(self, order: list[Any], bid: bool) -> None:
        signed = order[2]
        level = self.levels[bid].get(signed)
        if level is None:
            self.levels[bid][signed] = [deque((order,)), 1]
            insort(self.prices[bid], signed)
        else:
            level[0].append(order)
            level[1] += 1

    def _cancel(self, key: tuple[Any, str]) -> list[Any] | None:
        order = self.orders.get(key)
        if order is None or not order[3]:
            return None
        order[3] = 0
        bid, signed = order[1] == BUY, order[2]
        level = self.levels[bid][signed]
        level[1] -= 1
        if not level[1]:
            del self.levels[bid][signed]
            prices = self.prices[bid]
            del prices[bisect_left(prices, signed)]
        return order


def require_same_trades(stream: Messages) -> int:
    """Runs core and baseline over the same messages, compares every trade, and returns how many there were."""
    core, baseline = engine(), MinimalBook()
    fills: list[Fill] = []
    for message in stream:
        core.apply(message)
        fills += [(trade.maker.key, trade.taker.key, trade.price, trade.quantity_wh) for trade in core.trades]
        baseline.apply(message)
    if fills != baseline.trades:
        raise AssertionError("The baseline made other trades than the core, so comparing their speed means nothing.")
    return len(fills)


def rates(stream: Messages, rounds: int) -> tuple[float, float]:
    """The best messages/s of core and baseline, measured in turns."""
    best = [0.0, 0.0]
    for _ in range(rounds):
        takers: list[Callable[[Any], object]] = [engine().apply, MinimalBook().apply]
        for place, apply in enumerate(takers):
            best[place] = max(best[place], len(stream) / timed(apply, stream))
    return best[0], best[1]


def timed(apply: Callable[[Any], object], stream: Sequence[Any]) -> float:
    """Seconds for all messages, without the collector looking for cycles that are never made."""
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        for message in stream:
            apply(message)
        return perf_counter() - start
    finally:
        gc.enable()
