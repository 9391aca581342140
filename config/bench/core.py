"""How many messages a second the matching core takes, next to the least a book can do.

One contract, one process, messages made beforehand: 70 % new orders near the middle, 20 % cancellations, 10 % orders
that cross. The baseline knows limit orders and cancellations only: no rules to check, no participants, no time in force,
no self-trade prevention, no states. Both make the same trades, which is checked before anything is timed.
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
    growth = {size: rates(messages(size), 3 if size < MESSAGES else 1)[0] for size in SIZES}
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
            "messages_per_s_by_size": {str(size): round(rate) for size, rate in growth.items()},
            "garbage_collector": "off in both while timed: neither makes cycles",
            "baseline": "price-level book with limit and cancel only, same messages, same trades",
        },
    }


def messages(count: int) -> list[New | Cancel]:
    """A seeded stream. Buyers and sellers are different people, since the baseline knows no self-trade prevention."""
    chance = random.Random(SEED)
    middle, stream, placed = 1_650, [], []
    for number in range(count):
        if number % 100 == 0:
            middle = min(max(middle + chance.randint(-3, 3), 1_000), 2_300)
        kind = chance.random()
        if kind < 0.2 and placed:
            stream.append(Cancel(*placed[chance.randrange(max(0, len(placed) - 2_000), len(placed))]))
            continue
        order = _order(chance, f"o{number}", middle, crossing=kind > 0.9)
        placed.append(order[:2])
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
    """The least that matches by price, then arrival: a queue for each price, sorted prices, orders as lists."""

    def __init__(self) -> None:
        self.orders: dict[tuple[Any, str], list[Any]] = {}
        self.levels: tuple[dict[int, deque[list[Any]]], dict[int, deque[list[Any]]]] = ({}, {})
        self.prices: tuple[list[int], list[int]] = ([], [])  # signed, so that the best is the last
        self.trades: list[Fill] = []

    def apply(self, message: New | Cancel) -> None:
        """Takes one limit order or cancellation."""
        if type(message) is Cancel:
            self._cancel((message.participant, message.client_order_id))
        else:
            self._limit(message)

    def _limit(self, message: Any) -> None:
        participant, name, _, side, wanted, price, *_ = message
        key = (participant, name)
        buys = side == BUY
        prices, levels = self.prices[buys], self.levels[buys]  # what a buy meets: the asks
        while wanted and prices and prices[-1] >= -side * price:
            best = prices[-1]
            queue = levels[best]
            while queue and wanted:
                maker = queue[0]
                wh = maker[3] if maker[3] < wanted else wanted
                if wh:
                    self.trades.append((maker[0], key, -side * best, wh))
                    maker[3] -= wh
                    wanted -= wh
                if not maker[3]:
                    queue.popleft()
            if not queue:
                prices.pop()
                del levels[best]
        order = self.orders[key] = [key, side, price, wanted]
        if wanted:
            self._rest(order, side * price, not buys)

    def _rest(self, order: list[Any], signed: int, own: bool) -> None:
        queue = self.levels[own].get(signed)
        if queue is None:
            queue = self.levels[own][signed] = deque()
            insort(self.prices[own], signed)
        queue.append(order)

    def _cancel(self, key: tuple[Any, str]) -> None:
        """A cancelled order stays in its queue with nothing left, as in the core."""
        order = self.orders.get(key)
        if order is not None:
            order[3] = 0


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
        for place, apply in enumerate((engine().apply, MinimalBook().apply)):
            best[place] = max(best[place], len(stream) / timed(apply, stream))
    return best[0], best[1]


def timed(apply: Callable[[Any], object], stream: Messages) -> float:
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
